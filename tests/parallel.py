"""Divide the tests among processes: `pytest -p xdist -n 4 --dist loadgroup`.

The tests that need Kafka are one group, those that need Cassandra alone are another: each group
runs in one process, one test after the other, on servers of that process. They mostly wait, so
the other processes run everything else meanwhile, test by test. A third group waits for promtool,
which may have to be built.
"""

from collections.abc import Iterator

import pytest

SERVERS = ("kafka", "cassandra")
"""The fixtures that start servers; whatever needs both belongs to the first."""
GROUPS = (*SERVERS, "promtool")
"""Fixtures whose tests share a process, in the order in which they begin."""
LONGEST_FIRST = ("tests/properties/", "tests/embedded/")
"""Folders whose tests begin before others that need no server."""


def servers_of(item: pytest.Item) -> set[str]:
    """Return the names of the servers that the fixtures of a test ask for."""
    return set(SERVERS) & set(getattr(item, "fixturenames", ()))


class GroupByServers:
    """A plugin of each process that runs a part of the tests."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Iterator[None]:
        """Group the tests, and sort them by how long a group takes, whatever shuffled them."""
        for item in items:
            if group := _group(item):
                item.add_marker(pytest.mark.xdist_group(group))
        yield
        items.sort(key=_rank)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Take the names of groups off the tests' ids again, once the scheduler has seen them."""
        for item in session.items:
            if group := _group(item):
                item._nodeid = item.nodeid.removesuffix(f"@{group}")


def _group(item: pytest.Item) -> str | None:
    for name in GROUPS:
        if name in getattr(item, "fixturenames", ()):
            return name
    # Parameters of the contracts ask for their store while they run.
    return "cassandra" if item.get_closest_marker("integration") else None


def _rank(item: pytest.Item) -> int:
    if group := _group(item):
        return GROUPS.index(group)
    return len(GROUPS) + (not item.nodeid.startswith(LONGEST_FIRST))
