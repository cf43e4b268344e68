"""What one message writes, and that it is no matter in which order or how often."""

from random import Random
from typing import Any

from hypothesis import given

from schemas.events import (
    EDITABLE,
    FollowCreated,
    FollowDeleted,
    FollowFact,
    PostDeleted,
    PostEdited,
    PostFact,
    ReplyCreated,
)
from schemas.ids import SLOTS, PostId, UserId
from schemas.relations import (
    BlockCreated,
    ListCreated,
    ListDeleted,
    ReadMarked,
    TagFollowCreated,
)
from services.graph.edge import edge_mutation
from services.graph.memory import MemoryGraph
from services.graph.store import SlotRange
from services.posts.memory import MemoryPosts
from services.posts.post import IMMUTABLE, post_mutation
from services.relations.memory import MemoryRelations
from services.relations.mutation import RelationMutation, Subject, SubjectKind, both_sides, subject
from services.relations.mutation import relation_mutation as relation
from tests.histories import PEOPLE, POSTS, READER, Fact, chances, histories

WHOSE: dict[str, Any] = {"version": 5, "post_id": 9, "author_id": 1}
EDGE: dict[str, Any] = {"version": 5, "follower_id": 1, "followee_id": 2}


def test_a_creation_speaks_of_every_field() -> None:
    """With the default for what is absent, and of what is above as it stands."""
    said = post_mutation(ReplyCreated(**WHOSE, text="a", parent_id=7))
    assert said.stated.keys() == set(EDITABLE)
    assert said.created.keys() == {*EDITABLE, *IMMUTABLE}
    assert said.stated["text"] == b'"a"'
    assert said.stated["visibility"] == b'"public"'
    assert said.created["parent_id"] == b'"7"'
    assert said.created["root_id"] == b"null"
    assert not said.deleted


def test_an_edit_speaks_of_what_it_names() -> None:
    """Null is the default; absent is unchanged."""
    said = post_mutation(PostEdited(**WHOSE, text=None, lang=None, mentions=(3, 2, 3)))
    assert said.stated == {"text": b'""', "lang": b"null", "mentions": b'["2","3"]'}
    assert not said.created


def test_a_deletion_speaks_of_the_end_only() -> None:
    """So that no version of anything else can stand against it."""
    said = post_mutation(PostDeleted(**WHOSE))
    assert (said.created, said.stated, said.deleted) == ({}, {}, True)


def test_a_follow_is_a_removal_when_it_ends() -> None:
    """And says nothing of options to the list of followers."""
    assert edge_mutation(FollowCreated(**EDGE, replies="none")) == (1, 2, 5, False)
    assert edge_mutation(FollowDeleted(**EDGE)) == (1, 2, 5, True)


def test_a_relation_speaks_of_every_option() -> None:
    """With the default for what is absent; its end speaks of none."""
    said = relation(ListCreated(version=5, owner_id=1, list_id=9))
    assert said == RelationMutation(
        Subject(1, SubjectKind.LIST, 0, "9"), 5, False, (b'"list"', b"false", None, b"true")
    )
    ended = relation(ListDeleted(version=5, owner_id=1, list_id=9))
    assert ended == RelationMutation(said.subject, 5, True)
    follow = relation(FollowCreated(**EDGE, languages=("en", "de", "en")))
    assert follow.cells == (b'"followed"', b"true", b"null", b'["de","en"]')


def test_a_block_is_kept_on_both_sides() -> None:
    """With its version as a value, which its end does not touch."""
    block = relation(BlockCreated(version=5, owner_id=1, target_id=2))
    mine, theirs = both_sides(block)
    assert mine == RelationMutation(Subject(1, SubjectKind.BLOCK, 2), 5, False, (b"5",))
    assert theirs == RelationMutation(Subject(2, SubjectKind.BLOCKED_BY, 1), 5, False, (b"5",))
    assert both_sides(follow := relation(FollowCreated(**EDGE))) == (follow,)


def test_one_tag_is_one_thing_however_it_is_written() -> None:
    """And a mark is about a post, or about home."""
    tags = [TagFollowCreated(version=1, owner_id=1, tag=tag) for tag in ("#Brot", "BROT")]
    assert {subject(tag) for tag in tags} == {Subject(1, SubjectKind.TAG_FOLLOW, 0, "brot")}
    places = ("home", "conversation:7", "unanswered:7")
    marks = [ReadMarked(version=1, owner_id=1, what=each, up_to=9) for each in places]
    assert [subject(mark)[1:3] for mark in marks] == [
        (SubjectKind.READ, 0),
        (SubjectKind.READ, 7),
        (SubjectKind.SET_ASIDE, 7),
    ]


@given(histories(), chances)
async def test_posts_and_edges_are_sums_of_what_was_written(
    history: list[Fact], chance: Random
) -> None:
    """In any order, and any of it twice."""
    again = chance.sample(history, len(history)) + chance.choices(history, k=3)
    assert await summed(history) == await summed(again)


async def summed(facts: list[Fact]) -> tuple[Any, ...]:
    posts, graph, edges = MemoryPosts(), MemoryGraph(), MemoryRelations()
    for fact in facts:
        if isinstance(fact, PostFact):
            await posts.record([post_mutation(fact)])
        elif isinstance(fact, FollowFact):
            await graph.record([edge_mutation(fact)])
            await edges.record([relation(fact)])
    people = [UserId(each) for each in (*PEOPLE, READER)]
    lists = await graph.followers([SlotRange(each, 0, SLOTS) for each in people])
    told = [await edges.about(each, people) for each in people]
    return await posts.load([PostId(each) for each in POSTS]), [sorted(e) for e in lists], told
