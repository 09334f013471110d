"""What is wrong with a request by itself, whatever the account has.

Source: reference: control_plane §2, §3.
"""

from s2mock.registry.values.s2error import Invalid, S2Error


class BadJson(S2Error):
    """The body is not the JSON document that this operation takes."""

    code = "bad_json"
    rule = "control_plane §2.2"


class BadHeader(S2Error):
    """A header is missing or its value is not acceptable."""

    code = "bad_header"
    rule = "control_plane §2.1"


class BadPath(S2Error):
    """A parameter in the path is not acceptable."""

    code = "bad_path"
    rule = "control_plane §1.2"


class BadQuery(S2Error):
    """A parameter in the query string is not acceptable."""

    code = "bad_query"
    rule = "control_plane §2.4"


class BadProto(S2Error):
    """The body is not the protobuf message that this operation takes."""

    code = "bad_proto"
    rule = "data_plane §2"


class BadFrame(S2Error):
    """Bytes that are no S2S frame, or not one that may stand here."""

    code = "bad_frame"
    rule = "data_plane §6.2"


class InvalidName(BadJson):
    """A name that breaks S2's naming rules.

    Over HTTP the code says where the name stood (`bad_json`, `bad_path`, `bad_header`,
    `bad_query`); in direct use it is `bad_json`, as if it had come in a body.
    """

    rule = "control_plane §4.1, §5.1"


class InvalidConfig(Invalid):
    """A configuration that is well formed, with a value that S2 does not accept."""

    rule = "control_plane §5.3"


class InternalError(S2Error):
    """The fake itself failed: never the user's fault."""

    code = "other"
