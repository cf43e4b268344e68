"""The store is killed, frozen, slow, away for long, or answers into the void."""

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from schemas.codec import Message
from servers.server import Reachable, Server
from streams.routes import ROLES
from tests.e2e.outage import HASTE, Load, steady
from tests.e2e.pipeline import Pipeline, Record
from tests.e2e.village import START, Village, post_at
from tests.faults.proxy import Proxy

SEED = 4
HAMLET = Village(people=40, follows=300, posts=400)
VILLAGE = Village(people=100, follows=1_200, posts=2_000)
FREEZES = 4
FROZEN_SECONDS = HASTE + 2
AWAY_SECONDS = 45.0
"""Many timeouts; and static members that left are forgotten after thirty."""
LATENCY_SECONDS = 0.05
BUDGET_BYTES = (5_000, 100_000)
"""Of requests, before a link breaks: some batches, and a part of the next."""
BREAKS = 5
WAITING = "waiting for the store: "
LONG_TEXT = "語" * 9_990
"""30 KB of JSON."""
LONG_POSTS = 1_600
WRITERS = 4
STEADY_SECONDS = 10.0
WAITING_BYTES = 40 << 20
RSS_BYTES = 240 << 20
"""Of a worker that needs 110 MiB without any message, holds up to 2 MiB in each of four partitions,
and tries them all at once, in which they are there some eight times: as they came, as text, as
rows, as requests. It was 720 MiB, and grew, when each try left something behind."""

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


@pytest.fixture
def proxy(cassandra: Reachable) -> Iterator[Proxy]:
    """Between workers and Cassandra; the tests' own reads go around it."""
    with Proxy(cassandra.port) as proxy:
        yield proxy


def test_a_worker_may_start_before_its_store(pipeline: Pipeline, proxy: Proxy) -> None:
    """It is alive, says what it waits for, joins no group, and begins by itself."""
    with Load(pipeline, HAMLET.seeded(SEED), lots=1) as load:
        with proxy.gone():
            site = load.worker("a", cassandra_port=proxy.port)
            load.publish()
            load.until(lambda: proxy.weather.refused > 1)
            (problem,) = site.problems()
            assert problem.startswith(WAITING)
            assert pipeline.committed() == 0
            assert site.lives()
        load.recover()
        assert site.problems() == []


@pytest.mark.parametrize("size", [HAMLET, pytest.param(VILLAGE, marks=pytest.mark.proof)])
def test_writes_whose_answers_are_lost(
    pipeline: Pipeline, proxy: Proxy, record: Record, size: Village
) -> None:
    """They time out although they are applied, so each is done again; nothing shows."""
    with Load(pipeline, size.seeded(SEED)) as load:
        site = load.worker("a", cassandra_port=proxy.port, store_timeout_seconds=HASTE)
        load.begin()
        with proxy.swallowing():
            load.publish()
            load.until(lambda: site.postponed() > 0)
        load.recover()
        assert proxy.weather.lost > 0
        load.figures["lost_bytes"] = proxy.weather.lost
    record(f"answers lost, {size.posts} posts", **load.figures)


@pytest.mark.proof
def test_batches_that_are_written_in_part(pipeline: Pipeline, proxy: Proxy, record: Record) -> None:
    """Connections break in the middle of writes, again and again."""
    chance = random.Random(SEED)
    with Load(pipeline, VILLAGE.seeded(SEED)) as load:
        site = load.worker("a", cassandra_port=proxy.port)
        load.begin()
        with proxy.breaking_after(lambda: chance.randint(*BUDGET_BYTES)):
            load.publish(2)
            load.until(lambda: proxy.weather.broken >= BREAKS and site.postponed() > 0, 90)
        load.recover()
        load.figures["broken"] = proxy.weather.broken
    record("batches in part", **load.figures)


@pytest.mark.proof
def test_the_store_is_killed(
    pipeline: Pipeline, breakable_cassandra: Server, record: Record
) -> None:
    """SIGKILL under load, and a restart, which first replays the commit log."""
    with Load(pipeline, VILLAGE.seeded(SEED)) as load:
        sites = [load.worker("a"), load.worker("b")]
        load.begin()
        breakable_cassandra.kill()
        load.publish(2)
        load.until(lambda: any(site.postponed() > 0 for site in sites))
        breakable_cassandra.start()
        load.recover()
    record("Cassandra killed", **load.figures)


@pytest.mark.proof
def test_the_store_freezes_again_and_again(
    pipeline: Pipeline, breakable_cassandra: Server, record: Record
) -> None:
    """Each time for longer than a request may take."""
    with Load(pipeline, VILLAGE.seeded(SEED), lots=FREEZES + 2) as load:
        site = load.worker("a", store_timeout_seconds=HASTE)
        load.worker("b", store_timeout_seconds=HASTE)
        load.begin()
        for _ in range(FREEZES):
            load.publish()
            breakable_cassandra.pause()
            time.sleep(FROZEN_SECONDS)  # the fault itself
            breakable_cassandra.resume()
        assert site.postponed() > 0
        load.recover()
    record("Cassandra frozen", freezes=FREEZES, **load.figures)


@pytest.mark.proof
def test_the_store_is_far_away(pipeline: Pipeline, proxy: Proxy, record: Record) -> None:
    """A tenth of a second to and fro costs time, and nothing else."""
    with Load(pipeline, VILLAGE.seeded(SEED)) as load, ExitStack() as far:
        site = load.worker("a", cassandra_port=proxy.port)
        far.enter_context(proxy.slow(requests=LATENCY_SECONDS, answers=LATENCY_SECONDS))
        load.recover()
        seconds = site.total("timeline_store_request_seconds_sum")
        requests = site.total("timeline_store_request_seconds_count")
        assert seconds / requests > 2 * LATENCY_SECONDS
    record("Cassandra far", store_requests=round(requests), **load.figures)


@pytest.mark.proof
def test_workers_come_and_go_while_the_store_is_away(
    pipeline: Pipeline, breakable_cassandra: Server, record: Record
) -> None:
    """One is restarted, one stopped, one started, one started and stopped; each in time."""
    with Load(pipeline, VILLAGE.seeded(SEED)) as load:
        first = load.worker("a", store_timeout_seconds=HASTE)
        load.worker("b", store_timeout_seconds=HASTE)
        load.begin()
        breakable_cassandra.pause()
        frozen = time.monotonic()
        load.publish()
        load.until(lambda: first.postponed() > 0)
        load.stop_worker("a")
        load.stop_worker("b")
        again, new, brief = (load.worker(name) for name in ("a", "c", "d"))
        for site in (again, new, brief):
            load.until(lambda site=site: site.problems()[0].startswith(WAITING))
        load.stop_worker("d")
        load.until(lambda: time.monotonic() - frozen > AWAY_SECONDS, AWAY_SECONDS)
        breakable_cassandra.resume()
        load.recover()
        for site in (again, new):
            assert site.total("timeline_rebalances_total") > 0
            assert site.problems() == []
    record("workers come and go", away_seconds=AWAY_SECONDS, **load.figures)


@pytest.mark.proof
def test_a_worker_that_cannot_reach_the_store_hands_over(
    pipeline: Pipeline, proxy: Proxy, record: Record
) -> None:
    """The others can: its partitions wait for it, not theirs, and those it gives up go on."""
    with Load(pipeline, VILLAGE.seeded(SEED)) as load:
        site = load.worker("cut-off", cassandra_port=proxy.port, store_timeout_seconds=HASTE)
        load.begin()
        with proxy.silent():
            load.publish()
            load.until(lambda: site.postponed() > 0)
            load.worker("well")
            load.publish()
            load.until(lambda: all(pipeline.members(role).get("well") for role in ROLES), 90)
            load.stop_worker("cut-off")
            load.recover()
    record("one worker cut off", **load.figures)


@pytest.mark.proof
def test_a_store_that_is_away_does_not_fill_the_memory(
    pipeline: Pipeline, breakable_cassandra: Server, record: Record
) -> None:
    """Many times what the partitions may hold is published; the worker goes on by itself."""
    with Load(pipeline, long_posts(), lots=20) as load:
        site = load.worker("a", store_timeout_seconds=HASTE)
        load.begin()
        breakable_cassandra.pause()
        load.publish(18)
        load.until(lambda: site.postponed() > 0)
        load.until(steady(pipeline.rss_max, STEADY_SECONDS), AWAY_SECONDS * 3)
        waiting = pipeline.lag_of_all() * len(LONG_TEXT.encode())
        assert waiting > WAITING_BYTES
        held = pipeline.rss_max()
        breakable_cassandra.resume()
        load.recover()
        assert max(held, load.figures["rss_max_bytes"]) < RSS_BYTES
    record("memory while away", waiting_bytes=waiting, rss_away_bytes=held, **load.figures)


def long_posts() -> list[Message]:
    """By people whom nobody follows: some 48 MB."""
    return [
        post_at(START + n, n, 1 + n % WRITERS, text=f"{LONG_TEXT}{n}") for n in range(LONG_POSTS)
    ]
