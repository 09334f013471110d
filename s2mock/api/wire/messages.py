"""S2's protobuf messages, built by the protobuf library from the table of fields below.

They have a pool and a package of their own: a test process often imports the official SDK too,
whose messages have S2's own names, and a second definition of those would fail at import. The
wire format does not contain the package. Source: reference: data_plane §2.
"""

from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_Field = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "s2mock.v1"

# The messages and their fields: name, type, and "repeated", "optional" (with presence) or "".
_MESSAGES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "StreamPosition": (("seq_num", "uint64", ""), ("timestamp", "uint64", "")),
    "Header": (("name", "bytes", ""), ("value", "bytes", "")),
    "AppendRecord": (
        ("timestamp", "uint64", "optional"),
        ("headers", "Header", "repeated"),
        ("body", "bytes", ""),
    ),
    "AppendInput": (
        ("records", "AppendRecord", "repeated"),
        ("match_seq_num", "uint64", "optional"),
        ("fencing_token", "string", "optional"),
    ),
    "AppendAck": (
        ("start", "StreamPosition", ""),
        ("end", "StreamPosition", ""),
        ("tail", "StreamPosition", ""),
    ),
    "SequencedRecord": (
        ("seq_num", "uint64", ""),
        ("timestamp", "uint64", ""),
        ("headers", "Header", "repeated"),
        ("body", "bytes", ""),
    ),
    "ReadBatch": (("records", "SequencedRecord", "repeated"), ("tail", "StreamPosition", "")),
}
_TYPES = {"uint64": _Field.TYPE_UINT64, "bytes": _Field.TYPE_BYTES, "string": _Field.TYPE_STRING}


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(
        name="s2mock/v1.proto", package=_PACKAGE, syntax="proto3"
    )
    for message_name, fields in _MESSAGES.items():
        message = file.message_type.add(name=message_name)
        for number, (name, kind, rule) in enumerate(fields, start=1):
            field = message.field.add(name=name, number=number, label=_Field.LABEL_OPTIONAL)
            if rule == "repeated":
                field.label = _Field.LABEL_REPEATED
            if kind in _TYPES:
                field.type = _TYPES[kind]
            else:
                field.type = _Field.TYPE_MESSAGE
                field.type_name = f".{_PACKAGE}.{kind}"
            if rule == "optional":
                # In proto3, a scalar with presence has a oneof of its own.
                message.oneof_decl.add(name=f"_{name}")
                field.oneof_index = len(message.oneof_decl) - 1
                field.proto3_optional = True
    return file


_pool = descriptor_pool.DescriptorPool()
_pool.Add(_file())


def _message(name: str) -> Any:
    return message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))


AppendInput: Final = _message("AppendInput")
AppendAck: Final = _message("AppendAck")
ReadBatch: Final = _message("ReadBatch")
