"""A whole run on the real servers, as small as it can be, and what its check would find."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from loadtest import graph as graphs
from loadtest import markdown, report
from loadtest.expected import Entries, EntryDifference
from loadtest.kafka import KafkaTopics, TopicsNotEmpty
from loadtest.processes import ServerAddresses
from loadtest.run import RunOptions, run_scenario
from loadtest.scenario import Expectation, Group, Maximum, Open, Readers, Scenario
from loadtest.settling import BACKGROUND, background_tasks
from loadtest.store import RunStore, execute_cql
from loadtest.verification import compare_homes
from servers.server import Reachable
from services.clock import now_ms
from services.settings.brokers import Brokers
from services.settings.settings import Settings
from services.storage.migrations import available_migrations, migrate
from services.timelines.store import EntryBlock
from tests.e2e.groups import empty_groups

RUN_SECONDS = 400.0
"""It takes 20, and twenty times that where others use the machine."""
SMALL = Scenario(
    claim="The path works from the first post to the report.",
    expect=[
        Expectation(figure="phases.*.deliveries_per_second", at_least=0.1),
        Expectation(figure="phases.0.repetitions.*.seconds", at_most=RUN_SECONDS),
        Expectation(figure="phases.1.delivery_latency_seconds.by_group.people.p99", at_most=99),
        Expectation(figure="delivery_latency_seconds.by_lane.push.p99", at_most=RUN_SECONDS),
        Expectation(figure="rss_growth_ratio", at_most=100),
    ],
    users=500,
    groups={
        "people": Group(authors=20, followers=20, most=100),
        "star": Group(authors=1, followers=400),
    },
    readers=Readers(count=10, follows=10, per_second=5),
    phases=[
        Maximum(of="people", posts=40, repetitions=1),
        Open(of="people", per_second=20, seconds=2, follows_per_second=10),
    ],
    warm_up_seconds=0,
    settle_seconds=2,
    reference_rows=2_000,
)


class Printed:
    """Progress that is read when a run does not end."""

    def step(self, what: str, total: float | None = None) -> None:
        print(f"{datetime.now(UTC):%T} {what}")  # noqa: T201 - pytest shows it with a failure

    def advance(self, by: float = 1) -> None: ...


@pytest.fixture
def addresses(kafka: Reachable, cassandra: Reachable) -> ServerAddresses:
    empty_groups(kafka.address)
    return ServerAddresses(kafka.address, cassandra.host, cassandra.port)


@pytest.mark.timeout(600)  # so that the run stops what it started, before pytest stops the test
async def test_a_run_delivers_everything_and_leaves_a_report(
    addresses: ServerAddresses, tmp_path: Path
) -> None:
    """Posts at once, then posts and follows at their times; every ratio is there."""
    options = RunOptions("small", 1.0, tmp_path, erase=True)
    async with asyncio.timeout(RUN_SECONDS):
        made = await run_scenario(SMALL, options, addresses, Printed())
    assert (made.lost, made.extra, made.homes_wrong, made.dead_letters) == (0, 0, 0, 0)
    assert made.homes_checked == 10
    assert made.entries_checked > made.deliveries > 0
    assert made.deliveries_per_second > 0
    for figure in ("ratio_to_store_limit", "ratio_to_naive", "ratio_to_per_user_layout"):
        assert getattr(made, figure) > 0
    assert made.delivery_latency_seconds is not None
    assert made.delivery_latency_seconds["count"] > 10
    assert made.delivery_latency_seconds["by_lane"]
    assert made.read_latency_seconds is not None
    assert made.rss_max_bytes
    assert made.claim_met, made.expectations
    report.save_report(made, tmp_path)
    markdown.write_markdown(report.load_report(tmp_path), tmp_path)
    assert "Everything was delivered" in (tmp_path / "report.md").read_text()

    log = KafkaTopics(Brokers(addresses.kafka))
    with pytest.raises(TopicsNotEmpty):
        log.remove_topics(erase=False)
    log.close()


@pytest.fixture
async def store(cassandra: Reachable) -> AsyncIterator[RunStore]:
    settings = Settings(
        cassandra_hosts=(cassandra.host,),
        cassandra_port=cassandra.port,
        cassandra_keyspace=f"load_{uuid4().hex[:12]}",
    )
    await migrate(settings, available_migrations())
    opened = await RunStore.open(settings, now_ms)
    yield opened
    await opened.store.close()


async def test_one_entry_that_is_missing_or_too_many_is_found(store: RunStore) -> None:
    """Among thousands, in a store that a run has loaded."""
    people = graphs.make_graph(SMALL)
    await store.load(people, now_ms() * 1_000, lambda _: None)
    lists = people.lists()
    star = int(people.groups["star"][0])
    [counted] = (await store.followers([star])).values()
    assert counted == len(lists.of(star))

    posts = np.array([now_ms() - 946_684_800_000 << 22 | number for number in range(5)])
    written = Entries(np.full(5, star), posts)
    users = np.append(lists.of(star), star)
    await store.homes.add_home_entries([EntryBlock(users, posts)])
    nobody = graphs.FollowerLists(users[:0], users[:0])
    assert (await compare_homes(store, lists, nobody, written)).difference == EntryDifference(0, 0)

    await store.homes.add_home_entries([EntryBlock(np.array([5]), posts[:1])])
    assert (await compare_homes(store, lists, nobody, written)).difference == EntryDifference(0, 1)

    await execute_cql(
        store.settings,
        f"TRUNCATE {store.settings.cassandra_keyspace}.home_timeline",
    )
    but_one = [EntryBlock(users[1:], posts), EntryBlock(users[:1], posts[1:])]
    await store.homes.add_home_entries(but_one)
    found = await compare_homes(store, lists, nobody, written)
    assert found.difference == EntryDifference(1, 0)
    assert found.entries == 5 * len(users) - 1


async def test_a_store_tells_of_its_flushes_and_compactions(store: RunStore) -> None:
    """Under the names that settling waits for."""
    assert (await background_tasks(store.store)).keys() == BACKGROUND
