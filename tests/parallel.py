"""Divide the tests among processes: `pytest -p xdist --numprocesses 4`.

The tests of the whole path run in one process, one after the other, on servers of that process;
the others that need servers, and what evens the two out, in a second one. Both mostly wait, so the
other processes run everything else meanwhile, test by test. What waits for promtool, which may have
to be built, stays together as well, and so do the attacks, which share the attacked.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

SERVERS = ("kafka", "cassandra")
"""The fixtures that start servers."""
WITH_SERVERS = {
    "one room": (
        "tests/contracts/",
        "tests/storage/",
        "tests/loadtest/test_run.py",
        "tests/servers/test_real_servers.py",
        "tests/cli/test_topics.py",
        "tests/cli/test_doctor.py",
        "tests/cli/test_status.py",
        "tests/streams/test_bounded_reads.py",
        "tests/streams/test_large_letters.py",
        "tests/streams/test_lost_records.py",
        "tests/streams/test_offsets.py",
        "tests/access/test_store_over_tls.py",
        "tests/e2e/test_transactions.py",
        "tests/e2e/test_owners.py",
    ),
    "whole path": ("tests/e2e/",),
}
GROUPS = WITH_SERVERS | {
    "promtool": ("tests/monitoring/test_alerts.py",),
    "attacks": ("tests/embedded/test_attacks.py",),
}
"""The folders and files whose tests share a process; of several that fit the first counts."""
LONGEST_FIRST = ("tests/properties/", "tests/embedded/")
"""Folders whose tests begin before others that belong to no group."""


def servers_of(item: pytest.Item) -> set[str]:
    """Return the names of the servers that the fixtures of a test ask for."""
    return set(SERVERS) & set(getattr(item, "fixturenames", ()))


def check_places(items: list[pytest.Item]) -> None:
    """Raise UsageError for a test that needs servers outside of the groups that have them."""
    for item in items:
        needed = servers_of(item)
        if needed and _group(item.nodeid) not in WITH_SERVERS:
            names = " and ".join(sorted(needed))
            raise pytest.UsageError(f"{item.nodeid} needs {names}: add its file to {__name__}")


class GroupScheduling(LoadScopeScheduling):
    """Gives a group to one process, and every other test to whichever has least to do."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False  # the tests come in the order of `Order`

    def _split_scope(self, nodeid: str) -> str:
        return _group(nodeid) or nodeid


class Order:
    """A plugin of each process: the tests that take longest begin first."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Iterator[None]:
        """Sort the tests once they are shuffled; UsageError if two have the same id.

        The scheduler goes by the id, and would run only one of them.
        """
        yield
        for nodeid, count in Counter(item.nodeid for item in items).items():
            if count > 1:
                raise pytest.UsageError(f"{count} tests are called {nodeid}")
        items.sort(key=lambda item: _rank(item.nodeid))


def _group(nodeid: str) -> str | None:
    return next((name for name, places in GROUPS.items() if nodeid.startswith(places)), None)


def _rank(nodeid: str) -> int:
    if group := _group(nodeid):
        return list(GROUPS).index(group)
    return len(GROUPS) + (not nodeid.startswith(LONGEST_FIRST))
