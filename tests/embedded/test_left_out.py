"""Alice sleeps, carol does not; both follow bob. Through a broker, workers and the API."""

import time

import numpy as np
import pytest

from schemas import topics
from schemas.codec import Message, encode
from schemas.events import FollowCreated, PostCreated
from schemas.ids import DAY_MS, PostId, UserId, post_id
from services.activity.store import ActivityKind
from services.readers import returning
from services.settings.settings import Settings
from streams.bootstrap import (
    Deps,
    create_api,
    create_inactive_users,
    create_metrics,
    create_workers,
)
from streams.bootstrap import memory_stores as stores
from streams.embedded.mock_broker import MockBroker
from streams.outbox import Outgoing
from streams.process.processes import background_work, open_deps, open_outbox
from streams.routes import ROLES
from tests.api.village import client_of
from tests.embedded.test_lanes import becomes, working
from tests.streams.fakes import sample

ALICE, BOB, CAROL = map(UserId, (1, 2, 3))
DAYS = 7


async def test_entries_that_a_worker_leaves_out_are_there_on_return(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Carol still gets deliveries; the worker counts the entries it leaves out."""
    monkeypatch.setattr(returning, "SETTLE_SECONDS", 0)
    now = time.time_ns() // 1_000_000
    post = PostId(post_id(now, 1))
    graph: list[Message] = [
        FollowCreated(version=now * 1_000, follower_id=each, followee_id=BOB)
        for each in (ALICE, CAROL)
    ]
    with MockBroker() as broker:
        for topic in topics.load_topics().values():
            broker.create_topic(topic.name, 1)
        settings = Settings(
            store="memory",
            kafka_bootstrap=broker.bootstrap,
            inactive_days=DAYS,
            retention_days=0,
        )
        async with open_deps(settings) as deps, open_outbox(settings) as outbox:

            async def send(*messages: Message) -> None:
                await outbox.send([Outgoing(*encode(each)) for each in messages])

            async def backfilled() -> bool:
                name, labels = "timeline_events_handled_total", {"agent": "backfills"}
                return sample(deps.metrics, name, **labels, outcome="handled") == len(graph)

            async def delivered() -> bool:
                return await (await deps.stores.home_timelines.pin()).in_home(CAROL, post)

            async def reads(user: UserId) -> tuple[str, list[str]]:
                async with client_of(create_api(deps)) as client:
                    path = f"/v1/users/{user}/home?hydrate=false"
                    page = (await client.get(path)).json()
                return page["state"], page["items"]

            async def is_back() -> bool:
                return await reads(ALICE) == ("ready", [str(post)])

            days = np.array([now // DAY_MS - DAYS - 1, now // DAY_MS - DAYS + 1])
            await deps.stores.activity.raise_numbers(
                ActivityKind.SEEN, np.array([ALICE, CAROL]), days
            )
            dormant = create_inactive_users(deps)
            for _ in range(3):
                await dormant.scan()
            async with working(
                create_workers(deps, outbox, active_followers=dormant.active_followers)
            ):
                await send(*graph)
                await becomes(backfilled)
                await send(
                    PostCreated(version=now * 1_000, post_id=post, author_id=BOB, text="Still up?")
                )
                await becomes(delivered)
            assert not await (await deps.stores.home_timelines.pin()).in_home(ALICE, post)
            left_out = "timeline_fanout_entries_left_out_total"
            assert sample(deps.metrics, left_out, lane="push") == 1
            assert await reads(CAROL) == ("ready", [str(post)])
            assert (await reads(ALICE))[0] == "building"
            await becomes(is_back)


@pytest.mark.parametrize(
    ("days", "roles", "looks"),
    [
        (DAYS, ROLES, 1),
        (DAYS, ("bulk",), 1),
        (DAYS, ("ingest",), 1),
        (DAYS, ("search",), 0),
        (0, ROLES, 0),
    ],
)
async def test_only_who_delivers_looks(days: int, roles: tuple[str, ...], looks: int) -> None:
    """Only where it is switched on."""
    deps = Deps(Settings(store="memory", inactive_days=days), create_metrics(), stores())
    going_on = background_work(deps, roles, create_inactive_users(deps))
    for each in going_on:
        each.close()
    erases = "ingest" in roles
    assert len(going_on) == 1 + erases + looks  # the acknowledger of generations is in any case
