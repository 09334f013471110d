"""A command that appends: an actor, or a worker, in a process of its own."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.campaigns.clients import Shop

shop = Shop(
    SimpleNamespace(url=os.environ["S2_ACCOUNT_ENDPOINT"], token=os.environ["S2_ACCESS_TOKEN"])
)
for body in sys.argv[2:]:
    status, _ = shop.append(body)
    assert status == 200
