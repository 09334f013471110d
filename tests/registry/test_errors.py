"""The error table: every class has a code, every code a status.

Source: reference: control_plane §3.
"""

from s2mock import S2Error
from s2mock.registry.values import errors
from s2mock.registry.values.codes import CODES

STATUSES = {
    "bad_frame": 400,
    "bad_header": 400,
    "bad_json": 400,
    "bad_path": 400,
    "bad_proto": 400,
    "bad_query": 400,
    "basin_deletion_pending": 409,
    "basin_not_found": 404,
    "decryption_failed": 400,
    "invalid": 422,
    "not_implemented": 501,
    "other": 500,
    "resource_already_exists": 409,
    "stream_deletion_pending": 409,
    "stream_not_found": 404,
    "unavailable": 503,
}


def test_statuses() -> None:
    assert {code: CODES[code].status for code in STATUSES} == STATUSES


def test_every_class_has_a_code_of_the_table() -> None:
    classes = [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, S2Error) and hasattr(value, "code")
    ]
    assert len(classes) > 10
    for error in classes:
        # Two answers come without a code, and know their status themselves.
        assert error.code in CODES or error.status in (412, 416), error
