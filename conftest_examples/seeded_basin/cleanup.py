"""The code under test: deletes the streams of a feature branch when the branch is gone."""

from urllib.parse import quote

import requests


def streams(endpoint: str, basin: str, prefix: str) -> list[str]:
    """The names of all streams with that prefix, but for those that are being deleted."""
    found: list[str] = []
    after = ""
    while True:
        page = requests.get(
            f"{endpoint}/v1/streams",
            params={"prefix": prefix, "start_after": after, "limit": "2"},
            headers={"S2-Basin": basin},
            timeout=10,
        ).json()
        found += [stream["name"] for stream in page["streams"] if stream["deleted_at"] is None]
        if not page["has_more"]:
            return found
        after = page["streams"][-1]["name"]


def delete_branch(endpoint: str, basin: str, branch: str) -> int:
    """Delete the streams of a branch. Returns how many they were."""
    doomed = streams(endpoint, basin, f"{branch}/")
    for name in doomed:
        requests.delete(
            f"{endpoint}/v1/streams/{quote(name, safe='')}",
            headers={"S2-Basin": basin},
            timeout=10,
        ).raise_for_status()
    return len(doomed)
