"""Ask a real server what the strategies say that it refuses: `python -m tests.strategies URL`."""

import sys
from collections import Counter

import httpx
from hypothesis import HealthCheck, given, settings

from s2mock.strategies import Refused
from tests.strategies.asking import BASIN, IN_BASIN, REFUSED


def main() -> int:
    """The exit status: whether anything was answered otherwise."""
    client = httpx.Client(base_url=sys.argv[1], trust_env=False)
    client.put(f"/v1/basins/{BASIN}", json={})
    client.put("/v1/streams/log", json={}, headers=IN_BASIN)
    outcomes: Counter[str] = Counter()
    for name, (values, request) in REFUSED.items():

        @settings(
            max_examples=1000, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(values)
        def check(refused: Refused) -> None:
            method, path, headers, document = request(refused.value)  # noqa: B023
            while True:
                try:
                    answer = client.request(method, path, headers=headers, json=document)
                    break
                except httpx.RemoteProtocolError:
                    # A kept connection that the server has closed since its last use.
                    continue
            same = (answer.status_code, answer.json().get("code")) == (refused.status, refused.code)
            outcomes[f"{name}: {'as it says' if same else 'otherwise'}"] += 1  # noqa: B023
            if not same:
                print(refused, answer.status_code, answer.text[:200])

        check()
    for outcome, count in sorted(outcomes.items()):
        print(f"{count:6} {outcome}")
    client.delete(f"/v1/basins/{BASIN}")
    return int(any(outcome.endswith("otherwise") for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
