"""The contract of `services.relations.store`."""

from itertools import pairwise, permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from schemas.events import FollowCreated, FollowDeleted, FollowFact
from schemas.ids import MAX_ID, ListId, PostId, UserId, Version
from schemas.relations import (
    AccountErased,
    AccountReinstated,
    AccountSuspended,
    BlockCreated,
    BlockDeleted,
    KeywordMuteCreated,
    KeywordMuteDeleted,
    ListCreated,
    ListDeleted,
    ListMemberAdded,
    ListMemberRemoved,
    MuteCreated,
    MuteDeleted,
    ReadMarked,
    SettingsChanged,
    TagFollowCreated,
    TagFollowDeleted,
    ThreadMuteCreated,
    ThreadMuteDeleted,
)
from services.relations.lists import ListRules, OwnedList, member_order
from services.relations.memory import MemoryRelations
from services.relations.mutation import RelationshipFact, SubjectKind, relation_mutation
from services.relations.relations import (
    MAX_OWN,
    STRANGER,
    Edge,
    KeywordMute,
    Mute,
    OwnSettings,
    ReadMark,
    ReadMarks,
    Relations,
    Relationship,
)
from services.relations.store import MAX_ROWS, RelationStore
from services.stores import Stores
from tests.contracts.histories import NewPeople, People
from tests.relations import relation_histories

FIRST, SECOND, THIRD = 1_000, 2_000, 3_000
EVERYTHING = 1_000


@pytest.fixture
def relations(stores: Stores) -> RelationStore:
    return stores.relations


@pytest.fixture
def list_id(people: People) -> ListId:
    """One that no other test has."""
    return ListId(people.alice)


async def tell(relations: RelationStore, *facts: RelationshipFact) -> None:
    await relations.record([relation_mutation(fact) for fact in facts])


def follows(one: UserId, two: UserId, version: int = FIRST, **options: Any) -> FollowCreated:
    return FollowCreated(version=version, follower_id=one, followee_id=two, **options)


def unfollows(one: UserId, two: UserId, version: int = SECOND) -> FollowDeleted:
    return FollowDeleted(version=version, follower_id=one, followee_id=two)


def blocks(one: UserId, two: UserId, version: int = FIRST) -> BlockCreated:
    return BlockCreated(version=version, owner_id=one, target_id=two)


def unblocks(one: UserId, two: UserId, version: int = SECOND) -> BlockDeleted:
    return BlockDeleted(version=version, owner_id=one, target_id=two)


def lists(owner: UserId, each: int, version: int = FIRST, **rules: Any) -> ListCreated:
    return ListCreated(version=version, owner_id=owner, list_id=each, **rules)


def adds(owner: UserId, each: int, member: UserId, version: int = FIRST) -> ListMemberAdded:
    return ListMemberAdded(version=version, owner_id=owner, list_id=each, member_id=member)


async def edges(relations: RelationStore, one: UserId, two: UserId) -> list[Edge | None]:
    """As it is found in each of the three ways, once all agree that it is there or not."""
    between = (await relations.about(one, [two])).to(two).edge
    followed = await relations.followed_pairs([(one, two)])
    listed = await relations.followees(one, after=UserId(two - 1), limit=1)
    assert bool(between) == bool(followed)
    assert listed == ([] if between is None else [between])
    return [between]


async def test_a_stranger_is_nobody_in_particular(relations: RelationStore, people: People) -> None:
    alice, bob, _ = people
    assert await relations.about(alice, [bob]) == Relations()
    assert (await relations.about(alice, [bob])).to(bob) == STRANGER
    assert await relations.about(alice, []) == Relations()
    assert await relations.marks(alice, []) == ReadMarks()
    await relations.record([])


async def test_an_edge_has_the_options_it_was_made_with(
    relations: RelationStore, people: People
) -> None:
    alice, bob, carol = people
    await tell(
        relations,
        follows(alice, bob),
        follows(
            alice, carol, replies="all", reposts=False, bare_links=True, languages=("en", "de")
        ),
    )
    assert (await relations.about(alice, people)).edges == {
        bob: Edge(alice, bob, FIRST),
        carol: Edge(alice, carol, FIRST, "all", False, True, frozenset({"en", "de"})),
    }
    assert (await relations.about(bob, people)).edges == {}


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_the_highest_version_has_the_edge_whatever_comes_last(
    relations: RelationStore, people: People, order: tuple[int, ...]
) -> None:
    alice, bob, _ = people
    told = [follows(alice, bob), unfollows(alice, bob), follows(alice, bob, THIRD, replies="none")]
    for place in order:
        await tell(relations, told[place])
    assert await edges(relations, alice, bob) == [Edge(alice, bob, THIRD, "none")]


@pytest.mark.parametrize("order", [0, 1])
async def test_at_equal_versions_an_unfollow_wins(
    relations: RelationStore, people: People, order: int
) -> None:
    alice, bob, _ = people
    told = [follows(alice, bob, FIRST), unfollows(alice, bob, FIRST)]
    for place in (order, 1 - order):
        await tell(relations, told[place])
    assert await edges(relations, alice, bob) == [None]


@pytest.mark.parametrize("order", [0, 1])
async def test_at_equal_versions_each_option_falls_to_the_larger_bytes(
    relations: RelationStore, people: People, order: int
) -> None:
    """Field by field, so that neither message has them all."""
    alice, bob, _ = people
    told = [follows(alice, bob, replies="all"), follows(alice, bob, reposts=False)]
    for place in (order, 1 - order):
        await tell(relations, told[place])
    assert await edges(relations, alice, bob) == [Edge(alice, bob, FIRST, "followed", True)]


async def test_a_block_is_found_from_both_sides(relations: RelationStore, people: People) -> None:
    """And by third parties, whichever way they ask."""
    alice, bob, carol = people
    await tell(relations, blocks(alice, bob))
    assert (await relations.about(alice, [bob])).between == {bob: Relationship(blocks=True)}
    assert (await relations.about(bob, [alice])).between == {alice: Relationship(blocked_by=True)}
    pairs = [(alice, bob), (bob, alice), (alice, carol), (carol, bob), (alice, alice)]
    assert await relations.blocked_pairs(pairs) == {(alice, bob), (bob, alice)}
    await tell(relations, unblocks(alice, bob))
    assert await relations.blocked_pairs(pairs) == set()
    assert (await relations.about(alice, [bob])) == Relations()
    assert (await relations.about(bob, [alice])) == Relations()


async def test_a_block_of_each_other_ends_when_both_do(
    relations: RelationStore, people: People
) -> None:
    alice, bob, _ = people
    await tell(relations, blocks(alice, bob), blocks(bob, alice), unblocks(alice, bob))
    assert (await relations.about(alice, [bob])).to(bob) == Relationship(blocked_by=True)
    assert await relations.blocked_pairs([(alice, bob)]) == {(alice, bob)}
    await tell(relations, unblocks(bob, alice))
    assert await relations.blocked_pairs([(alice, bob)]) == set()


@pytest.mark.parametrize("blocker", [0, 1])
@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_a_block_ends_edges_for_good(
    relations: RelationStore, people: People, blocker: int, order: tuple[int, ...]
) -> None:
    """Whoever blocks, and also after the unblock; a later follow is a new edge."""
    alice, bob = people[:2]
    one, two = people[blocker], people[1 - blocker]
    told = [follows(alice, bob, SECOND), blocks(one, two, SECOND), unblocks(one, two, THIRD)]
    for place in order:
        await tell(relations, told[place])
    assert await edges(relations, alice, bob) == [None]
    assert (await relations.about(alice, [bob])) == Relations()
    await tell(relations, follows(alice, bob, SECOND + 1))
    assert await edges(relations, alice, bob) == [Edge(alice, bob, SECOND + 1)]


async def test_an_unblock_that_is_not_followed_by_its_block_ends_nothing(
    relations: RelationStore, people: People
) -> None:
    alice, bob, _ = people
    await tell(relations, unblocks(alice, bob, THIRD), follows(alice, bob))
    assert await edges(relations, alice, bob) == [Edge(alice, bob, FIRST)]


async def test_a_mute_has_its_scope_and_its_end(relations: RelationStore, people: People) -> None:
    """An expired one is given too: expiry is for whoever reads."""
    alice, bob, carol = people
    who = {"version": FIRST, "owner_id": alice}
    await tell(
        relations,
        MuteCreated(**who, target_id=bob),
        MuteCreated(**who, target_id=carol, scope="reposts", expires_at=7),
    )
    assert (await relations.about(alice, people)).between == {
        bob: Relationship(mute=Mute("all", None)),
        carol: Relationship(mute=Mute("reposts", 7)),
    }
    await tell(relations, MuteDeleted(version=SECOND, owner_id=alice, target_id=bob))
    assert (await relations.about(alice, people)).to(bob) == STRANGER


async def test_own_settings_are_listed(relations: RelationStore, people: People) -> None:
    """It comes with every answer about him, and with nobody else's."""
    alice, bob, _ = people
    me = {"version": FIRST, "owner_id": alice}
    mute = {"keyword_id": 5, "phrase": "Straße & Fluß"}
    await tell(
        relations,
        SettingsChanged(**me, bare_links=False),
        KeywordMuteCreated(**me, keyword_id=12, phrase="a"),
        KeywordMuteCreated(
            **me, **mute, whole_word=False, contexts=("home",), action="warn", expires_at=9
        ),
        KeywordMuteCreated(**me, keyword_id=13, phrase="gone"),
        KeywordMuteDeleted(version=SECOND, owner_id=alice, keyword_id=13),
        TagFollowCreated(**me, tag="#Sauerteig"),
        TagFollowCreated(**me, tag="#Brot"),
        TagFollowDeleted(version=SECOND, owner_id=alice, tag="BROT"),
    )
    own = OwnSettings(
        bare_links=False,
        keyword_mutes=(
            KeywordMute(5, "Straße & Fluß", False, frozenset({"home"}), "warn", 9),
            KeywordMute(12, "a"),
        ),
        tags=frozenset({"sauerteig"}),
    )
    assert (await relations.about(alice, [bob])).own == own
    assert (await relations.about(bob, [alice])).own == OwnSettings()


async def test_a_page_works_through_so_many_of_ones_own(
    relations: RelationStore, people: People
) -> None:
    """Of keyword mutes and lists the first by id count, of tags by name; one that ends makes room.

    In whichever order they came, and however many ended before.
    """
    me = {"version": FIRST, "owner_id": people.alice}
    many, last = MAX_OWN + 3, MAX_OWN + 2
    await tell(
        relations,
        *(KeywordMuteCreated(**me, keyword_id=each, phrase="a") for each in range(many, 0, -1)),
        *(lists(people.alice, people.alice - each) for each in range(many)),
        *(TagFollowCreated(**me, tag=f"{each:05}") for each in range(many, 0, -1)),
        KeywordMuteDeleted(version=SECOND, owner_id=people.alice, keyword_id=1),
        ListDeleted(version=SECOND, owner_id=people.alice, list_id=people.alice - last),
        TagFollowDeleted(version=SECOND, owner_id=people.alice, tag="00001"),
    )
    own = (await relations.about(people.alice, [])).own
    counting = range(2, MAX_OWN + 2)
    assert [each.keyword_id for each in own.keyword_mutes] == list(counting)
    assert own.tags == {f"{each:05}" for each in counting}
    assert set(own.lists) == {people.alice - last + each for each in range(1, MAX_OWN + 1)}


async def test_what_is_read_of_an_owners_statements_is_bounded(
    relations: RelationStore, people: People
) -> None:
    """By kind and name, ended ones included; what they state about others is read in any case."""
    alice, bob, carol = people
    me = {"version": FIRST, "owner_id": alice}
    ended = range(10_000, 10_000 + MAX_ROWS - 1)
    await tell(
        relations,
        *(KeywordMuteDeleted(**me, keyword_id=each) for each in ended),
        *(KeywordMuteCreated(**me, keyword_id=each, phrase="a") for each in (99_998, 99_999)),
        TagFollowCreated(**me, tag="bread"),
        follows(alice, bob),
        blocks(carol, alice),
    )
    found = await relations.about(alice, [bob, carol])
    assert [each.keyword_id for each in found.own.keyword_mutes] == [99_998]
    assert not found.own.tags
    assert found.to(bob).edge is not None
    assert found.to(carol).blocked
    assert (await relations.about(alice, [])).own == found.own


async def test_a_setting_goes_back_to_its_default(relations: RelationStore, people: People) -> None:
    await tell(relations, SettingsChanged(version=FIRST, owner_id=people.bob, bare_links=False))
    await tell(relations, SettingsChanged(version=SECOND, owner_id=people.bob))
    assert (await relations.about(people.bob, [])).own.bare_links


async def test_a_list_and_its_members(
    relations: RelationStore, people: People, list_id: ListId
) -> None:
    """Found by its owner and by its id, members before the list."""
    alice, bob, carol = people
    await tell(relations, adds(alice, list_id, bob), adds(alice, list_id, carol))
    assert await relations.list_of(list_id) is None
    assert await relations.members(list_id, after=UserId(0), limit=9) == []
    assert (await relations.about(alice, people)) == Relations()
    await tell(
        relations,
        lists(alice, list_id, replies="followed", exclusive=True, reposts=False),
        ListMemberRemoved(version=SECOND, owner_id=alice, list_id=list_id, member_id=carol),
    )
    rules = ListRules("followed", exclusive=True, reposts=False)
    assert await relations.list_of(list_id) == OwnedList(alice, rules)
    assert await relations.members(list_id, after=UserId(0), limit=9) == [bob]
    assert await relations.memberships([list_id], people) == {(list_id, bob)}
    assert await relations.about(alice, people) == Relations(
        OwnSettings(lists={list_id: rules}), {bob: Relationship(lists=frozenset({list_id}))}
    )


async def test_a_list_that_is_made_again_keeps_its_members_and_its_owner(
    relations: RelationStore, people: People, list_id: ListId
) -> None:
    alice, bob, carol = people
    deleted = ListDeleted(version=SECOND, owner_id=alice, list_id=list_id)
    await tell(relations, lists(alice, list_id), adds(alice, list_id, bob), deleted)
    assert await relations.list_of(list_id) is None
    assert await relations.members(list_id, after=UserId(0), limit=9) == []
    assert await relations.memberships([list_id], people) == set()
    assert await relations.about(alice, people) == Relations()
    await tell(relations, lists(carol, list_id, SECOND), lists(alice, list_id, THIRD))
    assert await relations.list_of(list_id) == OwnedList(alice, ListRules())
    assert await relations.members(list_id, after=UserId(0), limit=9) == [bob]


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("versions", [(SECOND, FIRST, FIRST), (FIRST, FIRST, SECOND)])
async def test_a_list_id_belongs_to_its_first_owner(
    relations: RelationStore,
    people: People,
    list_id: ListId,
    order: tuple[int, ...],
    versions: tuple[int, ...],
) -> None:
    """The lowest version, then the lowest owner; the others have nothing of it."""
    claims = [lists(each, list_id, at) for each, at in zip(people, versions, strict=True)]
    for place in order:
        await tell(relations, claims[place], adds(people[place], list_id, people[2 - place]))
    owner = min(zip(versions, people, strict=True))[1]
    members = [people[2 - people.index(owner)]]
    assert await relations.list_of(list_id) == OwnedList(owner, ListRules())
    assert await relations.members(list_id, after=UserId(0), limit=9) == members
    assert await relations.memberships([list_id], people) == {(list_id, each) for each in members}
    for each in people:
        found = await relations.about(each, people)
        assert set(found.own.lists) == ({list_id} if each == owner else set())
        assert set(found.between) == (set(members) if each == owner else set())


async def test_the_first_owner_may_become_known_late(
    relations: RelationStore, people: People, list_id: ListId
) -> None:
    """He dates his list back, again: each time, it is his from then on."""
    alice, bob, _ = people
    for version, owner in ((THIRD, alice), (SECOND, bob), (FIRST, alice)):
        await tell(relations, lists(owner, list_id, version))
        for each in (alice, bob):
            mine = (await relations.about(each, [])).own.lists
            assert bool(mine) == (each == owner)


async def test_members_are_paged(relations: RelationStore, people: People, list_id: ListId) -> None:
    """Removed ones take no place on a page, nor does whoever somebody else adds."""
    alice, bob, _ = people
    crowd = [UserId(people.carol + place) for place in range(40)]
    await tell(
        relations,
        lists(alice, list_id),
        lists(bob, list_id, SECOND),
        *(adds(alice, list_id, each) for each in crowd),
        *(adds(bob, list_id, UserId(each + 100)) for each in crowd),
        *(
            ListMemberRemoved(version=SECOND, owner_id=alice, list_id=list_id, member_id=each)
            for each in crowd[10:30]
        ),
    )
    left = sorted(crowd[:10] + crowd[30:], key=member_order)
    found: list[UserId] = []
    while page := await relations.members(list_id, after=(found or [UserId(0)])[-1], limit=3):
        assert len(page) == 3 or len(found) + len(page) == len(left)
        found += page
    assert found == left
    assert await relations.members(list_id, after=UserId(0), limit=EVERYTHING) == left


async def test_memberships_of_many(
    relations: RelationStore, people: People, list_id: ListId
) -> None:
    """Lists that are unknown, or whose number none can have, have no members."""
    alice, bob, carol = people
    other = ListId(list_id + 1)
    await tell(
        relations,
        lists(alice, list_id),
        lists(alice, other),
        adds(alice, list_id, bob),
        adds(alice, other, bob),
        adds(alice, other, carol),
    )
    asked = [list_id, other, list_id + 2, MAX_ID + 1]
    assert await relations.memberships(asked, people) == {
        (list_id, bob),
        (other, bob),
        (other, carol),
    }
    assert await relations.memberships([], people) == set()
    assert await relations.memberships(asked, []) == set()


async def test_suspended_until_reinstated(relations: RelationStore, people: People) -> None:
    """At equal versions a suspension wins; nothing undoes an erasure."""
    alice, bob, carol = people
    await tell(
        relations,
        AccountSuspended(version=FIRST, owner_id=alice),
        AccountSuspended(version=FIRST, owner_id=bob),
        AccountErased(version=FIRST, owner_id=carol),
    )
    assert await relations.suspended(people) == set(people)
    for version in (FIRST, SECOND):
        back = [AccountReinstated(version=version, owner_id=each) for each in people[1:]]
        await tell(relations, *back)
        assert await relations.suspended(people) == {alice, carol} | {bob} - {
            bob if version == SECOND else alice
        }
    assert await relations.suspended([]) == set()


async def test_marks_are_those_of_what_was_asked_for(
    relations: RelationStore, people: People
) -> None:
    alice, bob, _ = people
    me = {"version": FIRST, "owner_id": alice}
    await tell(
        relations,
        ReadMarked(**me, what="home", up_to=70),
        ReadMarked(**me, what="conversation:50", up_to=60),
        ReadMarked(**me, what="conversation:51", up_to=61),
        ReadMarked(**me, what="unanswered:50", up_to=50),
        ThreadMuteCreated(**me, root_id=50),
        ThreadMuteCreated(**me, root_id=53, everywhere=True),
        ThreadMuteCreated(**me, root_id=52),
        ThreadMuteDeleted(version=SECOND, owner_id=alice, root_id=52),
    )
    asked = [PostId(50), PostId(52), PostId(53)]
    assert await relations.marks(alice, asked) == ReadMarks(
        read={50: 60},
        set_aside={50: 50},
        muted=frozenset({50, 53}),
        everywhere=frozenset({53}),
    )
    assert await relations.marks(bob, asked) == ReadMarks()


async def test_a_mark_is_that_of_the_highest_version(
    relations: RelationStore, people: People
) -> None:
    """Also where it goes back: the version orders what is said, not the post."""
    for version, up_to in ((FIRST, 70), (THIRD, 60), (SECOND, 80), (THIRD, 59)):
        await tell(
            relations,
            ReadMarked(version=version, owner_id=people.bob, what="home", up_to=up_to),
        )
    mark = ReadMark(PostId(0), SubjectKind.READ, PostId(60), Version(THIRD))
    assert (await relations.about(people.bob, ())).own.home_mark == mark


async def test_marks_are_paged_by_their_posts(relations: RelationStore, people: People) -> None:
    """Those of conversations and of unanswered posts, without thread mutes and the mark on home."""
    alice, bob, _ = people
    me = {"version": FIRST, "owner_id": alice, "up_to": 99}
    whats = ("conversation:51", "unanswered:50", "home", "conversation:50", "unanswered:52")
    await tell(relations, *(ReadMarked(**me, what=what) for what in whats))
    await tell(relations, ThreadMuteCreated(version=FIRST, owner_id=alice, root_id=49))
    await tell(relations, ReadMarked(**me | {"version": SECOND, "up_to": 98}, what=whats[0]))
    read, aside = SubjectKind.READ, SubjectKind.SET_ASIDE
    expected = [
        ReadMark(PostId(50), read, PostId(99), Version(FIRST)),
        ReadMark(PostId(50), aside, PostId(99), Version(FIRST)),
        ReadMark(PostId(51), read, PostId(98), Version(SECOND)),
        ReadMark(PostId(52), aside, PostId(99), Version(FIRST)),
    ]
    found = await relations.thread_marks(alice, after=(PostId(0), 0), limit=9)
    assert found == expected
    rest = await relations.thread_marks(alice, after=(PostId(50), read), limit=2)
    assert rest == expected[1:3]
    assert await relations.thread_marks(bob, after=(PostId(0), 0), limit=9) == []


async def test_people_are_paged_by_what_is_said_of_them(
    relations: RelationStore, people: People
) -> None:
    """Whom a block has taken from somebody's follows is not among them, but where it says so."""
    alice = people.alice
    crowd = [UserId(alice + place) for place in range(10, 30)]
    await tell(
        relations,
        *(follows(alice, each, THIRD) for each in crowd),
        *(unfollows(alice, each, THIRD) for each in crowd[3:8]),
        *(blocks(each, alice, THIRD) for each in crowd[8:12]),
        *(blocks(alice, each, FIRST) for each in crowd[12:15]),
        MuteCreated(version=FIRST, owner_id=alice, target_id=crowd[0], expires_at=5),
    )
    left = crowd[:3] + crowd[12:]
    first = await relations.followees(alice, after=UserId(0), limit=2)
    rest = await relations.followees(alice, after=first[-1].followee_id, limit=EVERYTHING)
    assert [each.followee_id for each in first] == left[:2]
    assert [each.followee_id for each in rest] == left[2:]
    stated = crowd[:3] + crowd[8:]
    assert await relations.stated_followees(alice, EVERYTHING) == stated
    assert await relations.stated_followees(alice, 2) == stated[:2]
    blocked = await relations.others(alice, SubjectKind.BLOCK, after=crowd[12], limit=9)
    assert blocked == {
        each: Relationship(edge=Edge(alice, each, THIRD), blocks=True) for each in crowd[13:15]
    }
    muted = await relations.others(alice, SubjectKind.MUTE, after=UserId(0), limit=9)
    assert muted == {crowd[0]: Relationship(edge=Edge(alice, crowd[0], THIRD), mute=Mute("all", 5))}


async def test_an_edge_is_said_again_by_its_newest_fact(
    relations: RelationStore, people: People
) -> None:
    """With all its options, or ended; what a block has ended is ended at the block's version."""
    alice, bob, carol = people
    options = {"replies": "all", "reposts": False, "bare_links": False, "languages": ("de", "en")}
    others = [UserId(carol + 1), UserId(carol + 2), UserId(carol + 3)]
    await tell(
        relations,
        follows(alice, bob, FIRST),
        follows(alice, bob, THIRD, **options),
        follows(alice, carol, FIRST),
        unfollows(alice, carol, SECOND),
        follows(alice, others[0], FIRST),
        blocks(others[0], alice, SECOND),
        unblocks(others[0], alice, THIRD),
        unfollows(alice, others[1], FIRST),
        blocks(alice, others[2], FIRST),
        MuteCreated(owner_id=alice, target_id=bob, version=FIRST),
    )
    found = await relations.edge_facts(alice, after=UserId(0), limit=10)
    assert found == [
        follows(alice, bob, THIRD, **options),
        unfollows(alice, carol, SECOND),
        unfollows(alice, others[0], SECOND),
        unfollows(alice, others[1], FIRST),
    ]
    assert await relations.edge_facts(carol, after=UserId(0), limit=10) == []


async def test_edges_are_said_a_page_at_a_time(relations: RelationStore, people: People) -> None:
    """Ascending, each once, ended ones among them; only the last page is short."""
    alice, others = people.alice, [UserId(people.carol + place) for place in range(1, 8)]
    await tell(
        relations,
        *(follows(alice, each) for each in others),
        *(unfollows(alice, each) for each in others[::2]),
    )
    pages, after = list[list[FollowFact]](), UserId(0)
    while not pages or len(pages[-1]) == 3:
        pages.append(await relations.edge_facts(alice, after=after, limit=3))
        after = UserId(pages[-1][-1].followee_id)
    assert [len(each) for each in pages] == [3, 3, 1]
    assert [fact.followee_id for page in pages for fact in page] == others
    ended = [fact.followee_id for page in pages for fact in page if fact.version == SECOND]
    assert ended == others[::2]


async def test_edges_of_any_pairs(relations: RelationStore, people: People) -> None:
    """Of many to one, of one to many, and of others among each other."""
    alice, bob, carol = people
    crowd = [UserId(carol + place) for place in range(1, 80)]
    there = [(each, alice) for each in crowd[::2]] + [(bob, each) for each in crowd[::3]]
    there += list(pairwise(crowd))
    await tell(relations, *(follows(*pair) for pair in there), unfollows(*there[0]))
    await tell(relations, blocks(bob, crowd[3]))
    asked = [(each, alice) for each in crowd] + [(bob, each) for each in crowd]
    asked += [(one, two) for one in crowd[:10] for two in crowd[:10]]
    gone = {there[0], (bob, crowd[3])}
    assert await relations.followed_pairs(asked) == (set(there) & set(asked)) - gone
    assert await relations.followed_pairs([]) == set()
    assert await relations.blocked_pairs([]) == set()


@given(facts=relation_histories())
@settings(max_examples=6, suppress_health_check=list(HealthCheck))
async def test_every_store_merges_as_the_law_says(
    stores: Stores, new_people: NewPeople, facts: list[RelationshipFact]
) -> None:
    """The memory adapter is the plain reading of it."""
    crowd = new_people()
    told = [relation_mutation(_moved(fact, crowd)) for fact in facts]
    plain, relations = MemoryRelations(), stores.relations
    await plain.record(told)
    half = len(told) // 2
    for part in (told[half:], told[:half]):
        await relations.record(part)
    pairs = [(one, two) for one in crowd for two in crowd]
    posts = [PostId(21), PostId(22)]
    for each in crowd:
        assert await relations.about(each, crowd) == await plain.about(each, crowd)
        assert await relations.marks(each, posts) == await plain.marks(each, posts)
    assert await relations.blocked_pairs(pairs) == await plain.blocked_pairs(pairs)
    assert await relations.followed_pairs(pairs) == await plain.followed_pairs(pairs)
    assert await relations.suspended(crowd) == await plain.suspended(crowd)
    for each in crowd:
        asked = [at.edge_facts(each, after=UserId(0), limit=9) for at in (relations, plain)]
        assert await asked[0] == await asked[1]
    for list_id in (ListId(crowd.alice + 7), ListId(crowd.alice + 8)):
        assert await relations.list_of(list_id) == await plain.list_of(list_id)
        members = [
            await each.members(list_id, after=UserId(0), limit=9) for each in (relations, plain)
        ]
        assert members[0] == members[1]


def _moved(fact: RelationshipFact, crowd: People) -> RelationshipFact:
    """The same among these people, with lists of their own."""
    fields = {name: getattr(fact, name) for name in fact.__struct_fields__}
    for name in ("owner_id", "target_id", "member_id", "follower_id", "followee_id"):
        if name in fields:
            fields[name] = crowd[fields[name] - 1]
    if "list_id" in fields:
        fields["list_id"] += crowd.alice
    return type(fact)(**fields)
