"""The table of a verification, as Markdown."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from typing import NamedTuple


class Outcome(NamedTuple):
    """The result of a case: "passed", "failed" or "skipped", and why.

    `module` is what its module is about, `rule` what the case checks.
    """

    module: str
    case: str
    result: str
    detail: str = ""
    rule: str = ""


class Verification(NamedTuple):
    """What one run of the contract suite has seen of a server.

    `url` is the server's, without credentials; `began` when the run began. `prefix` begins the
    names of its basins. `not_run` is the number of cases for each reason, `left` what could not be
    removed, and `pending` the basins that the server was still deleting.
    """

    url: str
    began: datetime
    prefix: str
    outcomes: Sequence[Outcome]
    not_run: Mapping[str, int]
    left: Sequence[str]
    pending: Sequence[str]


def render(run: Verification) -> str:
    """Return the table: a summary, the results by part of S2, and the differences."""
    return "\n".join([*_summary(run), *_by_part(run), *_differences(run), ""])


def _summary(run: Verification) -> Iterator[str]:
    results = Counter(one.result for one in run.outcomes)
    yield f"# S2 at {run.url}, {run.began:%Y-%m-%d}"
    yield ""
    yield "| what | seen |"
    yield "| --- | --- |"
    yield f"| time | {run.began:%Y-%m-%d %H:%M:%S} UTC |"
    yield f"| contract suite | of s2mock {version('s2mock')} |"
    yield f"| cases run | {len(run.outcomes):,} |"
    yield f"| as expected | {results['passed']:,} |"
    yield f"| otherwise | {results['failed']:,} |"
    skipped = Counter(one.detail for one in run.outcomes if one.result == "skipped")
    for reason, count in sorted({**skipped}.items()):
        yield f"| skipped | {count:,}: {_cell(reason)} |"
    for reason, count in sorted(run.not_run.items()):
        yield f"| not run | {count:,}: {_cell(reason)} |"
    yield (
        f"| basins of the suite | {run.prefix}..., all removed |"
        if not run.left
        else (f"| left behind | {_cell(', '.join(run.left))} |")
    )
    if run.pending:
        yield f"| still being deleted by the server | {_cell(', '.join(run.pending))} |"


def _by_part(run: Verification) -> Iterator[str]:
    yield ""
    yield "| part of S2 | as expected | otherwise | skipped |"
    yield "| --- | --- | --- | --- |"
    parts: dict[str, Counter[str]] = {}
    for one in run.outcomes:
        parts.setdefault(one.module, Counter())[one.result] += 1
    for part, results in sorted(parts.items()):
        counts = (f"{results[result]:,}" for result in ("passed", "failed", "skipped"))
        yield f"| {_cell(part)} | {' | '.join(counts)} |"


def _differences(run: Verification) -> Iterator[str]:
    failed = [one for one in run.outcomes if one.result == "failed"]
    if not failed:
        return
    yield ""
    yield "| rule that the server does not follow | cases | expected, and seen in the first |"
    yield "| --- | --- | --- |"
    rules: dict[str, list[Outcome]] = {}
    for one in failed:
        rules.setdefault(one.case.partition("[")[0], []).append(one)
    for name, cases in rules.items():
        told = f"{cases[0].rule} ({name})" if cases[0].rule else name
        yield f"| {_cell(told)} | {len(cases):,} | {_cell(cases[0].detail)} |"
    yield ""
    yield "| case that the server answers otherwise | expected, and seen |"
    yield "| --- | --- |"
    for one in failed:
        yield f"| `{_cell(one.case)}` | {_cell(one.detail)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
