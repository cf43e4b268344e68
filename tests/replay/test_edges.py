"""Plans whose follows have lost their beginning, and the snapshot that is read instead."""

from collections.abc import Mapping
from typing import Any

import pytest

from schemas.codec import encode
from schemas.events import FollowCreated, FollowDeleted, PostCreated
from schemas.ids import DAY_MS, UserId, post_id
from schemas.relations import AccountErased
from schemas.snapshots import EdgesWritten
from services.erasures.store import Erasure
from services.graph.edge import edge_mutation
from services.handlers.erasure import erase_all
from services.readers.home import Home
from services.readers.paging import PageRequest
from services.readers.reader import Reader
from services.relations.mutation import relation_mutation
from services.retention import Retention
from services.settings.brokers import Brokers
from services.stores import Stores
from streams.bootstrap import memory_stores
from streams.display.replay import loss_warning
from streams.kafka.reader import TopicReader
from streams.outbox import MemoryOutbox, Outgoing
from streams.records import Partition
from streams.replay.edges import EdgeSnapshot, SnapshotRefused, last_written, write_snapshot
from streams.replay.plan import Gone, Lost, Plan
from tests.histories import NOW, Fact, log
from tests.model import Model
from tests.replay.conftest import PARTITIONS, Player, publish
from tests.shown import shown

ALICE, BOB, CAROL = 1, 2, 3
FOLLOWS = (
    FollowCreated(version=1, follower_id=BOB, followee_id=ALICE),
    FollowCreated(version=1, follower_id=CAROL, followee_id=ALICE, replies="all"),
    FollowCreated(version=1, follower_id=BOB, followee_id=CAROL),
    FollowDeleted(version=2, follower_id=BOB, followee_id=CAROL),
)
POSTS: list[Fact] = [
    PostCreated(version=time * 1_000, post_id=post_id(time, author), author_id=author, text="a")
    for author, time in zip((ALICE, BOB, CAROL), range(NOW - DAY_MS, NOW), strict=False)
]


async def stores_of(facts: tuple[Any, ...]) -> Stores:
    """Stores that have recorded these follows, and nothing else."""
    stores = memory_stores()
    await stores.graph.record(list(map(edge_mutation, facts)))
    await stores.relations.record(list(map(relation_mutation, facts)))
    return stores


async def snapshot(
    facts: tuple[Any, ...], handled: tuple[int, ...], at_least: int = 0
) -> list[Outgoing]:
    """As it is written from a store that has these follows."""
    outbox = MemoryOutbox()
    relations = (await stores_of(facts)).relations
    written = EdgeSnapshot(relations, outbox, None, lambda _: None)
    await written.write(NOW, handled, at_least)
    return [each._replace(timestamp=NOW) for each in outbox.sent("follow-edges")]


def ends(bootstrap: str) -> dict[Partition, int]:
    with TopicReader(Brokers(bootstrap)) as reader:
        return {Partition(each.topic, each.number): each.end for each in reader.spans(["follows"])}


async def homes(stores: Stores) -> Mapping[int, Any]:
    home = Home(Reader(stores, lambda: NOW), Retention(0))
    pages = {each: await home.page(UserId(each), PageRequest()) for each in (ALICE, BOB, CAROL)}
    return {each: [shown(item) for item in page.items] for each, page in pages.items()}


def expected_homes(facts: list[Fact]) -> Mapping[int, Any]:
    model = Model(log(facts), NOW)
    return {each: model.home(each) for each in (ALICE, BOB, CAROL)}


async def test_lost_follows_are_read_from_the_snapshot(bootstrap: str, player: Player) -> None:
    """Nothing is beyond recovery, edges come first, and empty stores show what the model says.

    The log has only the last follow, and not the end of the edge from bob to carol.
    """
    publish(bootstrap, FOLLOWS)
    forgotten = ends(bootstrap)
    handled = tuple(forgotten[Partition("follows", number)] for number in range(PARTITIONS))
    again = FollowCreated(version=3, follower_id=ALICE, followee_id=BOB)
    publish(bootstrap, [*await snapshot(FOLLOWS, handled), again, *POSTS])
    plan = await player.plan(forgotten=forgotten)
    assert plan.lost
    assert not plan.gone
    assert plan.edges_first
    assert plan.sources[0].topic == "follow-edges"
    assert "So nothing is missing" in loss_warning(plan)
    await player.run(plan)
    assert await homes(player.stores) == expected_homes([*FOLLOWS, again, *POSTS])
    assert not player.outbox.sent("follow-edges-dlq")


async def test_what_came_after_the_snapshot_and_is_lost_is_listed(
    bootstrap: str, player: Player
) -> None:
    """By partition and offset: what was handled when it began is kept, the rest is not known."""
    publish(bootstrap, [*FOLLOWS, *await snapshot(FOLLOWS[:1], (1, 1))])
    forgotten = {place: end for place, end in ends(bootstrap).items() if end > 1}
    plan = await player.plan(forgotten=forgotten)
    gone = tuple(Gone(*place, first=1, before=end) for place, end in forgotten.items())
    assert plan.gone == gone
    assert not plan.edges_first
    assert str(gone[0]) in loss_warning(plan)


async def test_a_snapshot_that_never_became_whole_keeps_nothing_for_sure(
    bootstrap: str, player: Player
) -> None:
    """What it has is read all the same, and the loss is listed as if there were none."""
    half = (await snapshot(FOLLOWS, (9, 9)))[:-1]
    publish(bootstrap, [*FOLLOWS, *half])
    plan = await player.plan(forgotten=(forgotten := ends(bootstrap)))
    assert plan.edges is None
    assert [each.before for each in plan.gone] == [end for end in forgotten.values() if end]
    assert {each.topic for each in plan.sources} >= {"follow-edges"}
    assert "no whole snapshot" in loss_warning(plan)


async def test_a_log_that_holds_all_needs_no_snapshot(bootstrap: str, player: Player) -> None:
    publish(bootstrap, [*FOLLOWS, *await snapshot(FOLLOWS, (0, 0))])
    plan = await player.plan()
    assert plan.edges is None
    assert "follow-edges" not in {each.topic for each in plan.sources}


async def test_the_newest_whole_snapshot_counts(bootstrap: str) -> None:
    """Also while the next one is being written."""
    publish(bootstrap, await snapshot(FOLLOWS[:1], (1, 0)))
    publish(bootstrap, await snapshot(FOLLOWS, (2, 0)))
    publish(bootstrap, (await snapshot(FOLLOWS, (3, 0)))[:-1])
    with TopicReader(Brokers(bootstrap)) as reader:
        found = last_written(reader, reader.spans(["follow-edges"]))
    assert found == EdgesWritten(began_at=NOW, edges=3, handled=(2, 0))


async def test_a_store_that_lost_edges_makes_no_whole_snapshot() -> None:
    """Else a snapshot of an empty store would say that it keeps everything."""
    with pytest.raises(SnapshotRefused, match="has 1 edges, the last snapshot 3"):
        await snapshot(FOLLOWS[:1], (9,), at_least=3)
    assert encode(EdgesWritten(began_at=NOW, edges=1, handled=(9,))).value in {
        each.value for each in await snapshot(FOLLOWS[:1], (9,), at_least=1)
    }


async def write_again(bootstrap: str, stores: Stores) -> EdgesWritten:
    return await write_snapshot(
        stores, MemoryOutbox(), Brokers(bootstrap),
        rate=None, accept_loss=False, on_progress=lambda _: None,
    )  # fmt: skip


async def erase(stores: Stores, user: int, *, finish: bool = True) -> None:
    fact = AccountErased(version=NOW, owner_id=user)
    await stores.relations.record([relation_mutation(fact)])
    await stores.erasures.ask([Erasure(UserId(user), NOW)])
    if finish:
        await erase_all(stores)


async def test_what_an_erasure_took_is_no_loss(bootstrap: str) -> None:
    """Both edges of carol are gone; the one from bob to alice is left."""
    publish(bootstrap, await snapshot(FOLLOWS, (0, 0)))
    stores = await stores_of(FOLLOWS)
    await erase(stores, CAROL)
    assert (await write_again(bootstrap, stores)).edges == 1


async def test_what_is_lost_beside_an_erasure_is_a_loss(bootstrap: str) -> None:
    publish(bootstrap, await snapshot(FOLLOWS, (0, 0)))
    stores = await stores_of(FOLLOWS[1:])
    await erase(stores, CAROL)
    with pytest.raises(SnapshotRefused, match=r"has 0 edges, the last snapshot 3, .* took 2"):
        await write_again(bootstrap, stores)


async def test_an_erasure_excuses_nothing_twice(bootstrap: str) -> None:
    """What it took before the last snapshot stays in the topic, and was not counted in that."""
    before = [each._replace(timestamp=NOW - 1) for each in await snapshot(FOLLOWS, (0, 0))]
    publish(bootstrap, [*before, *await snapshot(FOLLOWS[:1], (0, 0))])
    stores = await stores_of(())
    await erase(stores, CAROL)
    with pytest.raises(SnapshotRefused, match=r"has 0 edges, the last snapshot 1, .* took 0"):
        await write_again(bootstrap, stores)


async def test_an_erasure_that_is_under_way_excuses_nothing_yet(bootstrap: str) -> None:
    """Part of its edges may still be there."""
    publish(bootstrap, await snapshot(FOLLOWS, (0, 0)))
    stores = await stores_of(FOLLOWS[:1])
    await erase(stores, CAROL, finish=False)
    with pytest.raises(SnapshotRefused, match="once it is done"):
        await write_again(bootstrap, stores)


def test_only_follows_are_kept_by_a_snapshot() -> None:
    """And only of partitions that it names."""
    edges = EdgesWritten(began_at=1, edges=1, handled=(5,))
    lost = (
        Lost("follows", 0, 5),
        Lost("follows", 0, 7),
        Lost("follows", 1, 2),
        Lost("posts", 0, 3),
    )
    plan = Plan(name="n", made_at=0, sources=(), lost=lost, edges=edges)
    assert list(map(str, plan.gone)) == [
        "follows:0 offsets 5 to 6",
        "follows:1 offsets before 2",
        "posts:0 offsets before 3",
    ]
