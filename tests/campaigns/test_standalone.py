"""The printed test of the shortest failure: red on the bug, and green on the repaired twin."""

import re
import textwrap
from fnmatch import fnmatchcase
from typing import Any

import pytest

from tests.plugin.conftest import Run

pytestmark = pytest.mark.slow

CLIENT = """
    import http.client
    import json
    from urllib.parse import urlsplit

    import pytest

    from s2mock import Drop

    GUARDED = False


    def call(at, method, path, document=None):
        connection = http.client.HTTPConnection(urlsplit(at.url).netloc, timeout=30)
        headers = {"s2-basin": "my-basin", "authorization": f"Bearer {at.token}"}
        headers["content-type"] = "application/json"
        try:
            connection.request(method, path, document and json.dumps(document), headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()


    def append(at, body, seq_num):
        document = {"records": [{"body": body}]}
        if GUARDED:
            document["match_seq_num"] = seq_num
        return call(at, "POST", "/v1/streams/log/records", document)


    def tail(at):
        return call(at, "GET", "/v1/streams/log/records/tail")[1]["tail"]["seq_num"]


    def place(at, body):
        if tail(at) == 0:
            append(at, body, 0)


    def sell(at, orders):
        for number, order in enumerate(orders):
            while True:
                try:
                    append(at, order, number)
                    break
                except (OSError, http.client.HTTPException):
                    pass


    def collect(at, found):
        while True:
            query = f"seq_num={len(found)}&wait=60"
            status, document = call(at, "GET", f"/v1/streams/log/records?{query}")
            found += [record["body"] for record in document["records"]]
            if len(found) == 2 or not GUARDED:
                break


    def send(at):
        append(at, "tea", 0)
        append(at, "cake", 1)
"""

SWEEP = (
    CLIENT
    + """
    @pytest.mark.s2_mock(basins=[{"name": "my-basin", "streams": ["log"]}])
    @pytest.mark.parametrize("count", [2])
    def test_it(s2_sweep, count):
        # The orders of a shop.
        orders = ["tea", "cake"][:count]

        for attempt in s2_sweep([Drop(), Drop(committed=True)], on="append", stream="lo*"):
            with attempt as mock:
                sell(mock, orders)
                # Each of them once.
                assert mock.stream("my-basin", "log").bodies == (
                    b"tea",
                    b"cake",
                )
"""
)

ORDERS = (
    CLIENT
    + """
    @pytest.mark.s2_mock(basins=[{"name": "my-basin", "streams": ["log"]}], auth="required")
    def test_it(s2_orders):
        for run in s2_orders(max_runs=50):
            with run as s2_mock:
                run.actor("a", place, "tea")
                run.actor("b", place, "cake")
                run.go()
                assert len(s2_mock.stream("my-basin", "log").bodies) == 1
"""
)

FAULTY_ORDERS = (
    CLIENT
    + """
    @pytest.mark.s2_mock(basins=[{"name": "my-basin", "streams": ["log"]}])
    def test_it(s2_orders):
        for run in s2_orders(max_faults=1, faults=[Drop(committed=True)]):
            with run as s2_mock:
                run.actor("a", sell, ["tea"])
                run.go()
                assert len(s2_mock.stream("my-basin", "log").bodies) == 1
"""
)

# In the shortest order of the bug, the read waits at the tail; the twin reads and waits once more.
WAITING_ORDERS = (
    CLIENT
    + """
    @pytest.mark.s2_mock(basins=[{"name": "my-basin", "streams": ["log"]}])
    def test_it(s2_orders):
        for run in s2_orders():
            with run as s2_mock:
                found = []
                run.actor("a", send)
                run.actor("b", collect, found)
                run.go()
                assert found == ["tea", "cake"]
"""
)

CRASH = (
    CLIENT
    + """
    import sys

    @pytest.mark.s2_mock(basins=[{"name": "my-basin", "streams": ["log"]}])
    def test_it(s2_crash):
        for attempt in s2_crash(on="append"):
            with attempt as s2_mock:
                async def work():
                    append(s2_mock, "tea", 0)

                attempt.run(work)
                append(s2_mock, "tea", 0)
                twice = attempt.point is None and not GUARDED
                assert len(s2_mock.stream("my-basin", "log").bodies) == 1 + twice
"""
)

# A proxy acknowledges what never took place, and only the check of the campaign finds that.
CHECK = (
    CLIENT
    + """
    from s2mock import Answer

    AT = '{"seq_num": 0, "timestamp": 0}'
    LIE = Answer(200, f'{{"start": {AT}, "end": {AT.replace("0", "1", 1)}, "tail": {AT}}}'.encode(),
        headers={"content-type": "application/json"})


    def believe(at):
        append(at, "tea", 0)
        if not GUARDED:
            tail(at)


    async def believe_as_task(at):
        believe(at)
"""
)
CHECKED_SWEEP = (
    CHECK
    + """
    @pytest.mark.s2_mock(basins=[{"name": "my-basin", "streams": ["log"]}])
    def test_it(s2_sweep):
        for attempt in s2_sweep([LIE], on="append", check=True):
            with attempt as s2_mock:
                believe(s2_mock)
"""
)
CHECKED_ORDERS = (
    CHECK
    + """
    @pytest.mark.s2_mock(basins=[{"name": "my-basin", "streams": ["log"]}])
    def test_it(s2_orders):
        for run in s2_orders(max_faults=1, faults=[LIE], check=True):
            with run:
                run.actor("a", believe)
                run.go()
"""
)
CHECKED_CRASH = (
    CHECK
    + """
    @pytest.mark.s2_mock(basins=[{"name": "my-basin", "streams": ["log"]}])
    def test_it(s2_crash):
        for attempt in s2_crash(on="append", check=True):
            with attempt as s2_mock:
                attempt.run(believe_as_task, s2_mock)
                if attempt.point is not None:
                    with s2_mock.inject(LIE, on="append"):
                        believe(s2_mock)
"""
)

# The repaired twin makes fewer calls than the one at which the bug was found.
FEWER = (
    CLIENT
    + """
    @pytest.mark.s2_mock(basins=[{"name": "my-basin", "streams": ["log"]}])
    def test_it(s2_crash):
        for attempt in s2_crash(on="append"):
            with attempt as s2_mock:
                async def work():
                    append(s2_mock, "tea", 0)
                    if not GUARDED:
                        append(s2_mock, "cake", 1)
                        append(s2_mock, "bread", 2)

                attempt.run(work)
                assert len(s2_mock.stream("my-basin", "log").bodies) != 2
"""
)
USES_ATTEMPT = (
    CLIENT
    + """
    @pytest.mark.s2_mock(basins=[{"name": "my-basin", "streams": ["log"]}])
    def test_it(s2_sweep):
        for attempt in s2_sweep([Drop(committed=True)], on="append"):
            with attempt as s2_mock:
                sell(s2_mock, ["tea"])
                assert len(s2_mock.stream("my-basin", "log").bodies) == 1, attempt.point
"""
)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (SWEEP, "test_it_with_drop_committed_true_at_append_1"),
        (ORDERS, "test_it_a1_b1_b2_a2"),
        (FAULTY_ORDERS, "test_it_a1_a2"),
        (WAITING_ORDERS, "test_it_b1_a1_a2"),
        (CRASH, "test_it_with_a_crash_after_append_1"),
        (FEWER, "test_it_with_a_crash_after_append_2"),
        (USES_ATTEMPT, "test_it_with_drop_committed_true_at_append_1"),
        (CHECKED_SWEEP, "test_it_with_answer_200*_at_append_1"),
        (CHECKED_ORDERS, "test_it_a1_a2"),
        (CHECKED_CRASH, "test_it_with_a_crash_before_append_1"),
    ],
    ids=[
        "sweep",
        "orders",
        "orders-with-a-fault",
        "orders-that-wait",
        "crash",
        "crash-of-fewer-operations",
        "sweep-that-uses-its-attempt",
        "sweep-with-check",
        "orders-with-check",
        "crash-with-check",
    ],
)
def test_the_printed_test_is_red_on_the_bug_and_green_on_the_twin(
    run: Run, pytester: pytest.Pytester, module: str, name: str
) -> None:
    test = printed_test(run(module))
    assert test is not None
    assert fnmatchcase(test, f"*def {name}(*"), test
    client = textwrap.dedent(CHECK if module.startswith(CHECK) else CLIENT)
    # As it is, beside the functions of the test.
    for guarded in (False, True):
        text = client.replace("GUARDED = False", f"GUARDED = {guarded}")
        pytester.makepyfile(**{f"test_{guarded}".lower(): f"{text}\n\n{with_count(test)}"})
        again = run(None, f"test_{guarded}.py".lower())
        again.assert_outcomes(**({"passed": 1} if guarded else {"failed": 1}))
        if not guarded:
            again.stdout.re_match_lines(["E .*([aA]ssert|not linearizable)"])


# What an actor of the printed test does in the place of `place`, and what is said of it then.
ENDLESS = {
    "thread that hangs": (
        "def place(at, body): tail(at); threading.Event().wait(60)",
        "{0} runs, and waits for nothing of the service: it has sent 1 operation",
    ),
    "coroutine that hangs": (
        "async def place(at, body): tail(at); await asyncio.Event().wait()",
        "{0} runs, and waits for nothing of the service: it has sent 1 operation",
    ),
    "command that hangs": (
        'place = ["sleep", "600"]',
        "{0} runs, and waits for nothing of the service: it has sent 0 operations",
    ),
    "thread that waits in the service": (
        "def place(at, body): call(at, 'GET', '/v1/streams/log/records?seq_num=0&wait=60')",
        "{0} waits for the answer to its read my-basin log",
    ),
    # At the end, it may be between two of its operations.
    "thread without an end": (
        "def place(at, body):\n    while tail(at) == 0: pass",
        "{0} *s*",
    ),
    "coroutine without an end": (
        "async def place(at, body):\n    while await asyncio.to_thread(tail, at) == 0: pass",
        "{0} *s*",
    ),
}


@pytest.mark.parametrize("how", ENDLESS)
def test_a_printed_test_whose_actors_do_not_end_fails_and_says_what_each_waits_for(
    run: Run, pytester: pytest.Pytester, how: str
) -> None:
    work, description = ENDLESS[how]
    module = ORDERS
    if how.startswith("command"):
        # A command line has its arguments in the list.
        module = module.replace(', "tea")', ")").replace(', "cake")', ")")
        module = module.replace("def place(at, body):", "def place(at, body=''):")
    printed = printed_test(run(module))
    assert printed is not None
    printed = printed.replace("run.go()", "run.go(timeout=2)")
    client = textwrap.dedent(CLIENT)
    text = f"{client}\n\nimport asyncio\nimport threading\n\n\n{work}\n\n\n{printed}"
    pytester.makepyfile(test_endless=text)
    again = run(None, "test_endless.py")
    again.assert_outcomes(failed=1)
    said = "; ".join(description.format(name) for name in "ab")
    again.stdout.fnmatch_lines([f"E * within 2 s: {said}"])


def printed_test(result: pytest.RunResult) -> str | None:
    """Return the test of the shortest failure that a campaign has printed, if there is one."""
    result.assert_outcomes(failed=1)
    found = re.search(
        r"The shortest failure as a test of its own:\n\n(.*?)\n(?:=|-)+ ",
        result.stdout.str(),
        re.DOTALL,
    )
    return None if found is None else found[1]


def with_count(test: str) -> str:
    """The test with the parameters that its function had, which are not in its source."""
    mark = '@pytest.mark.parametrize("count", [2])\n'
    return re.sub(r"^(?=def test_.*count)", mark, test, flags=re.MULTILINE)


def test_a_loop_of_another_form_has_no_printed_test(run: Run) -> None:
    module: Any = (
        CLIENT
        + """
    @pytest.mark.s2_mock(basins=[{"name": "my-basin", "streams": ["log"]}])
    def test_it(s2_sweep):
        attempts = iter(s2_sweep([Drop()], on="append"))
        for attempt in attempts:
            with attempt as s2_mock:
                sell(s2_mock, ["tea"])
                assert attempt.point is None

    class TestIt:
        @pytest.mark.s2_mock(basins=[{"name": "my-basin", "streams": ["log"]}])
        def test_it(self, s2_sweep):
            for attempt in s2_sweep([Drop()], on="append"):
                with attempt as s2_mock:
                    sell(s2_mock, ["tea"])
                    assert attempt.point is None
    """
    )
    result = run(module)
    result.assert_outcomes(failed=2)
    assert "as a test of its own" not in result.stdout.str()
    assert "s2_sweep.replay('append', 1, Drop())" in result.stdout.str()
