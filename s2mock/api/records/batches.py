"""The batch in the body of an append. Sources: reference: data_plane §2 (protobuf), §3.1 (JSON)."""

from s2mock.api.content_coding import HEAVY_BODY_BYTES
from s2mock.api.requests import Asking, S2Request
from s2mock.api.wire import json_records, proto_records
from s2mock.registry.values.errors import BadProto
from s2mock.registry.values.records import AppendInput
from s2mock.runtime.conversation import RunInThread


def batch_in(request: S2Request, form: json_records.Format | None) -> Asking[AppendInput]:
    """The batch, in a JSON document of that format, or without one in an `AppendInput` message.

    Raises `BadJson`, `BadProto`, `Invalid`.
    """
    batch: AppendInput
    if form is None:
        body = yield from request.body(BadProto)
        if len(body) <= HEAVY_BODY_BYTES:
            return proto_records.append_input(body)
        batch = yield RunInThread(lambda: proto_records.append_input(body))
    else:
        batch = yield from request.json_body(
            lambda document: json_records.append_input(document, form)
        )
    return batch
