"""The differences between a cassette and the fake: `python -m s2mock drift FILE`."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from s2mock.contract.cassette_replay import FRAMING_HEADERS, CassetteReplay, Result
from s2mock.contract.fidelity import quiet
from s2mock.contract.ledger import KNOWN_DIFFERENCES
from s2mock.exports import cassette
from s2mock.exports.cassette import BadCassette
from s2mock.runtime.argument_parser import ArgumentParser, add_defaults

DRIFTED: Final = 1
UNUSABLE: Final = 2
# A longer value is cut.
_SHOWN: Final = 200


def make_parser(program: str) -> ArgumentParser:
    """Return the parser of the command's arguments."""
    parser = ArgumentParser(
        prog=f"{program} drift",
        description="Send the requests of a cassette, which journal.save() has written, to a fresh "
        "fake, and list each answer that differs, with the known differences told apart. The exit "
        "status is 1 if a difference is new, and 2 if the file is no cassette, or has no exchange "
        "that can be compared.",
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="the cassette")
    parser.add_argument(
        "--ignore-header",
        metavar="NAME",
        action="append",
        default=[],
        help="do not compare this header of the answers; may be repeated. Never compared: "
        f"{', '.join(FRAMING_HEADERS)}",
    )
    add_defaults(parser)
    return parser


def main(program: str = "python -m s2mock", arguments: Sequence[str] = ()) -> int:
    """Print the differences. Returns the exit status: 1 if any is new, 2 for a file of no use."""
    options = make_parser(program).parse_args(arguments)
    try:
        recorded = cassette.parse(options.file.read_text("utf-8"))
    except (OSError, UnicodeError, BadCassette) as error:
        sys.stderr.write(f"s2mock: cannot read {options.file}: {_without_path(error)}\n")
        return UNUSABLE
    ignored = [name.lower() for name in options.ignore_header]
    with quiet(), CassetteReplay(recorded) as replay:
        results = replay.run(ignored)
    sys.stdout.write(report(options.file.name, results, recorded.dropped))
    if not any(result.comparison for result in results):
        sys.stderr.write(f"s2mock: {options.file} has no exchange that can be compared\n")
        return UNUSABLE
    return DRIFTED if any(result.is_new for result in results) else 0


def report(name: str, results: Sequence[Result], dropped: int = 0) -> str:
    """Return the differences, exchange by exchange, then the known ones, then what was left out."""
    new = [result for result in results if result.is_new]
    known: dict[str, list[int]] = {}
    for result in results:
        if result.comparison is not None and result.comparison.known is not None:
            known.setdefault(result.comparison.known, []).append(result.exchange.number)
    compared = sum(result.comparison is not None for result in results)
    counts = f"{len(new)} new differences, {sum(map(len, known.values()))} known"
    lines = [f"{name}: {_count(len(results), 'exchange')}, {compared} compared: {counts}"]
    for result in new:
        lines += ["", *_shown(result)]
    if known:
        lines += ["", "known differences:"]
        for entry in KNOWN_DIFFERENCES:
            if entry.name in known:
                lines.append(
                    f"  {entry.name}, exchange {_numbers(known[entry.name])}: {entry.what}"
                )
    left_out: dict[str, list[int]] = {}
    for result in results:
        if result.comparison is None:
            left_out.setdefault(result.reason, []).append(result.exchange.number)
    if left_out or dropped:
        lines += ["", "not compared:"]
    lines += [f"  exchange {_numbers(numbers)}: {why}" for why, numbers in left_out.items()]
    if dropped:
        lines.append(
            f"  {_count(dropped, 'exchange')} that the journal had dropped; what follows may "
            "differ for want of them"
        )
    return "\n".join([*lines, ""])


def _shown(result: Result) -> Iterator[str]:
    """Yield the lines of an exchange that differs."""
    exchange, found = result.exchange, result.comparison
    assert found is not None, "an exchange that differs"
    place = " ".join(part for part in (exchange.basin, exchange.stream) if part)
    yield f"exchange {exchange.number}: {exchange.operation or 'no operation'} {place}".rstrip()
    for path, recorded, fake in _differences("", found.recorded, found.fake):
        yield f"  {path}: recorded {_short(recorded)}, the fake {_short(fake)}"
    yield f"  {exchange.curl()}"


_MISSING: Final = object()


def _differences(path: str, recorded: Any, fake: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield the places at which two documents differ, with both values."""
    if isinstance(recorded, dict) and isinstance(fake, dict):
        for name in {**recorded, **fake}:
            inner = f"{path}.{name}" if path else str(name)
            yield from _differences(inner, recorded.get(name, _MISSING), fake.get(name, _MISSING))
    elif isinstance(recorded, list) and isinstance(fake, list) and len(recorded) == len(fake):
        for at, (one, other) in enumerate(zip(recorded, fake, strict=True)):
            yield from _differences(f"{path}[{at}]", one, other)
    elif recorded != fake:
        yield path, recorded, fake


def _short(value: Any) -> str:
    text = "nothing" if value is _MISSING else repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _numbers(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _without_path(error: Exception) -> str:
    return str(error.strerror) if isinstance(error, OSError) else str(error)


if __name__ == "__main__":
    sys.exit(main(arguments=sys.argv[1:]))
