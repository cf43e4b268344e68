"""The negative controls of the check itself: what it must find, it finds."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import msgspec
import pytest

from schemas.codec import Message
from schemas.events import FollowCreated
from schemas.ids import UserId, post_id
from services.readers.item import Item
from services.readers.paging import Page, PageRequest
from services.settings.settings import Settings
from services.storage.cluster import create_cluster
from tests.e2e.comparison import compare_all, same_home
from tests.e2e.pipeline import Pipeline
from tests.e2e.village import START, model_of, post_at
from tests.properties.world import World

ALICE, BOB = 1, 2
LOG: list[Message] = [
    FollowCreated(version=1, follower_id=BOB, followee_id=ALICE),
    *(post_at(START + number, number, ALICE) for number in range(5)),
]
TAKEN = post_id(START + 2, 2)
ENTRY = "bucket = %s AND shard = %s AND user_id = %s AND post_id = %s"
REMOVE = f"DELETE FROM home_timeline WHERE {ENTRY}"
ADD = "INSERT INTO home_timeline (bucket, shard, user_id, post_id) VALUES (%s, %s, %s, %s)"


async def homes(alter: Callable[[list[Item]], list[Item]]) -> Any:
    """Bob's home in memory, its pages altered before they are compared."""
    world = World(days=0)
    await world.handle(LOG)
    while world.outbox.sent:
        await world.handle([world.outbox.sent.pop()])

    class Altered:
        async def page(self, viewer: UserId, request: PageRequest) -> Page:
            page = await world.home.page(viewer, request)
            return msgspec.structs.replace(page, items=alter(page.items))

    return Altered()


async def test_what_is_as_it_should_be_passes() -> None:
    """The control of the controls."""
    assert await same_home(await homes(lambda items: items), model_of(LOG), BOB) == 5


@pytest.mark.parametrize(
    "alter",
    [
        pytest.param(lambda items: items[:2] + items[3:], id="one entry removed"),
        pytest.param(lambda items: items[:1] + items, id="one entry doubled"),
        pytest.param(lambda items: [items[1], items[0], *items[2:]], id="two entries swapped"),
        pytest.param(
            lambda items: [msgspec.structs.replace(items[0], text="the other"), *items[1:]],
            id="one entry with other words",
        ),
    ],
)
async def test_a_home_that_was_altered_fails(alter: Callable[[list[Item]], list[Item]]) -> None:
    """One entry missing, there twice, out of its place, or of other content: each is noticed."""
    with pytest.raises(AssertionError):
        await same_home(await homes(alter), model_of(LOG), BOB)


@pytest.mark.integration
@pytest.mark.e2e
def test_an_entry_that_is_gone_from_the_store_is_noticed(pipeline: Pipeline) -> None:
    """Behind everybody's back one row is removed: the comparison fails; put back, it passes.

    An entry too many is no loss: what nobody owes is not shown, whatever is stored.
    """
    pipeline.start_worker("a")
    pipeline.handle(LOG, 60)
    assert compare_all(pipeline.settings, model_of(LOG)) == 10
    stored = cql(pipeline.settings, "SELECT user_id, post_id, bucket, shard FROM home_timeline")
    bucket, shard = next((at[2], at[3]) for at in stored if at[:2] == (BOB, TAKEN))
    cql(pipeline.settings, REMOVE, bucket, shard, BOB, TAKEN)
    with pytest.raises(AssertionError):
        compare_all(pipeline.settings, model_of(LOG))
    cql(pipeline.settings, ADD, bucket, shard, BOB, TAKEN)
    cql(pipeline.settings, ADD, bucket, shard, BOB, TAKEN + 1)
    assert compare_all(pipeline.settings, model_of(LOG)) == 10


def cql(settings: Settings, query: str, *values: int) -> list[Any]:
    """Rows of a query, asked by a process of its own: the driver's threads survive no fork."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(execute, settings, query, values).result()


def execute(settings: Settings, query: str, values: tuple[int, ...]) -> list[Any]:
    with create_cluster(settings) as direct:
        return list(direct.connect(settings.cassandra_keyspace).execute(query, values))
