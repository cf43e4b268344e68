"""The contracts of the ports about erased accounts."""

from itertools import permutations
from typing import Any

import numpy as np
import pytest

from schemas.events import FollowCreated, FollowDeleted
from schemas.ids import SLOTS, ListId, UserId
from schemas.relations import (
    AccountErased,
    BlockCreated,
    KeywordMuteCreated,
    ListCreated,
    ListMemberAdded,
    MuteCreated,
    ReadMarked,
    SettingsChanged,
    TagFollowCreated,
)
from services.activity.store import Activity, ActivityKind
from services.erasures.store import Erasure, ErasureProgress, ErasureState, Hold, PendingErasure
from services.graph.edge import edge_mutation
from services.graph.store import SlotRange
from services.handlers.erasure import Eraser
from services.relations.mutation import RelationMutation, relation_mutation
from services.stores import Stores
from services.verification.erasure import remains_of
from tests.contracts.histories import NOW, NewPeople, People

VERSION = NOW * 1_000


async def erase_all(stores: Stores, user: UserId) -> None:
    await Eraser(stores, rows_at_once=2).erase(user)


def said(fact: Any) -> RelationMutation:
    return relation_mutation(fact)


async def test_an_edge_is_erased_from_both_ends(stores: Stores, new_people: NewPeople) -> None:
    """Also one that has ended, and from lists that are kept in packs; others' edges stay."""
    (alice, bob, carol), crowd = new_people(), [*new_people(), *new_people()]
    facts = [
        *(FollowCreated(version=1, follower_id=each, followee_id=bob) for each in (alice, *crowd)),
        *(FollowCreated(version=1, follower_id=each, followee_id=alice) for each in crowd),
        FollowDeleted(version=2, follower_id=crowd[0], followee_id=alice),
        FollowCreated(version=1, follower_id=carol, followee_id=bob),
    ]
    await stores.graph.record([edge_mutation(fact) for fact in facts])
    await stores.relations.record([relation_mutation(fact) for fact in facts])
    whole = [SlotRange(bob, 0, SLOTS), SlotRange(alice, 0, SLOTS)]
    for _ in range(3):  # by now they are read from packs
        await stores.graph.followers(whole)
    assert (await remains_of(alice, stores))["followers"] == len(crowd)
    await erase_all(stores, alice)
    assert await remains_of(alice, stores) == {}
    of_bob, of_alice = await stores.graph.followers(whole)
    assert set(of_bob.tolist()) == {carol, *crowd}
    assert of_alice.tolist() == []
    for each in crowd:
        edges = await stores.relations.edge_facts(each, after=UserId(0), limit=10)
        assert [edge.followee_id for edge in edges] == [bob]


async def test_what_others_cannot_keep_of_an_account(stores: Stores, people: People) -> None:
    """Blocks go on both sides; others' mutes and lists stay, and so does who has a list's id."""
    alice, bob, _ = people
    own, others = ListId(alice), ListId(bob)
    by = {"version": VERSION, "owner_id": alice}
    facts = [
        BlockCreated(**by, target_id=bob),
        MuteCreated(**by, target_id=bob),
        KeywordMuteCreated(**by, keyword_id=1, phrase="hush"),
        ListCreated(**by, list_id=own),
        ListMemberAdded(**by, list_id=own, member_id=bob),
        TagFollowCreated(**by, tag="hush"),
        SettingsChanged(**by, bare_links=False),
        ReadMarked(**by, what="home", up_to=7),
        BlockCreated(version=VERSION, owner_id=bob, target_id=alice),
        MuteCreated(version=VERSION, owner_id=bob, target_id=alice),
        ListCreated(version=VERSION, owner_id=bob, list_id=others),
        ListMemberAdded(version=VERSION, owner_id=bob, list_id=others, member_id=alice),
    ]
    await stores.relations.record([said(fact) for fact in facts])
    await erase_all(stores, alice)
    assert await remains_of(alice, stores) == {}
    assert await stores.relations.blocked_pairs([(alice, bob)]) == set()
    between = (await stores.relations.about(bob, [alice])).to(alice)
    assert (between.blocks, between.mute is not None, between.lists) == (
        False,
        True,
        frozenset({others}),
    )
    assert await stores.relations.list_of(own) is None
    late = ListCreated(version=VERSION + 1, owner_id=bob, list_id=own)
    await stores.relations.record([said(late)])
    assert await stores.relations.list_of(own) is None
    assert own not in (await stores.relations.about(bob, [])).own.lists


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_a_claim_of_a_list_outlives_its_owner(
    stores: Stores, people: People, order: tuple[int, ...]
) -> None:
    """Whether the list is made, claimed by another and erased in this order or in another."""
    alice, bob, _ = people
    made = ListCreated(version=VERSION, owner_id=alice, list_id=alice)
    told = [
        lambda: stores.relations.record([said(made)]),
        lambda: stores.relations.record(
            [said(ListCreated(version=VERSION + 1, owner_id=bob, list_id=alice))]
        ),
        lambda: stores.relations.erase([said(made)]),
    ]
    for place in order:
        await told[place]()
    if order.index(2) < order.index(0):
        await told[2]()  # as its writer does, who finds her erased
    assert await stores.relations.list_of(ListId(alice)) is None
    assert ListId(alice) not in (await stores.relations.about(bob, [])).own.lists


async def test_erased_accounts_are_those_with_an_erasure(stores: Stores, people: People) -> None:
    alice, *_ = people
    await stores.relations.record([said(AccountErased(version=VERSION, owner_id=alice))])
    assert await stores.relations.erased(people) == {alice}
    assert await stores.relations.erased([]) == set()


async def test_activity_is_erased(stores: Stores, people: People) -> None:
    alice, bob, _ = people
    users, days = np.array([alice, bob], np.int64), np.array([20_000, 20_000], np.int64)
    await stores.activity.raise_numbers(ActivityKind.SEEN, users, days)
    await stores.activity.erase(alice)
    assert await stores.activity.load(alice) == Activity()
    assert await stores.activity.load(bob) == Activity(seen=20_000)


async def test_an_erasure_is_on_the_list_until_it_is_done(stores: Stores, people: People) -> None:
    """With its progress and who holds it; asked for again it is on the list again."""
    erasures, first = stores.erasures, Erasure(people.alice, NOW)

    async def listed() -> list[PendingErasure]:
        found = await erasures.pending(1_000)
        return [each for each in found if each.erasure.user_id == people.alice]

    assert await erasures.state(people.alice) == ErasureState()
    await erasures.ask([first])
    await erasures.ask([first])
    assert await listed() == [PendingErasure(first, hold=Hold("", 1))]
    progress = ErasureProgress(2, (3, "a", 7))
    await erasures.save(first, progress, Hold("b", NOW + 2))
    await erasures.save(first, ErasureProgress(), Hold("a", NOW + 1))  # too late
    await erasures.ask([first])
    assert await listed() == [PendingErasure(first, progress, Hold("b", NOW + 2))]
    assert not (await erasures.state(people.alice)).is_done
    await erasures.finish(first)
    assert await listed() == []
    assert (await erasures.state(people.alice)).is_done
    again = first._replace(asked_at=NOW + 1)
    await erasures.ask([again])
    assert [each.erasure for each in await listed()] == [again]
    assert await erasures.state(people.alice) == ErasureState(NOW + 1, NOW)
    await erasures.finish(again)


async def test_reading_a_list_of_an_erased_account_leaves_no_trace(
    stores: Stores, new_people: NewPeople
) -> None:
    """Whoever asks for it, as a gate does, changes nothing of what is read afterwards."""
    alice, bob, _ = new_people()
    list_id = ListId(alice * 10)
    made = ListCreated(version=VERSION, owner_id=alice, list_id=list_id)
    await stores.relations.record([said(made)])
    await erase_all(stores, alice)
    before = await stores.relations.about(alice, [bob])
    assert await stores.relations.list_of(list_id) is None
    assert await stores.relations.about(alice, [bob]) == before
