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
from services.graph.edge import edge_mutation
from services.graph.memory import MemoryGraph
from services.graph.store import SlotRange
from services.posts.memory import MemoryPosts
from services.posts.post import IMMUTABLE, mutation
from services.relations.memory import MemoryRelations
from services.relations.mutation import mutation as relation
from tests.histories import PEOPLE, POSTS, READER, Fact, chances, histories

WHOSE: dict[str, Any] = {"version": 5, "post_id": 9, "author_id": 1}
EDGE: dict[str, Any] = {"version": 5, "follower_id": 1, "followee_id": 2}


def test_a_creation_speaks_of_every_field() -> None:
    """With the default for what is absent, and of what is above as it stands."""
    said = mutation(ReplyCreated(**WHOSE, text="a", parent_id=7))
    assert said.stated.keys() == set(EDITABLE)
    assert said.created.keys() == {*EDITABLE, *IMMUTABLE}
    assert said.stated["text"] == b'"a"'
    assert said.stated["visibility"] == b'"public"'
    assert said.created["parent_id"] == b'"7"'
    assert said.created["root_id"] == b"null"
    assert not said.deleted


def test_an_edit_speaks_of_what_it_names() -> None:
    """Null is the default; absent is unchanged."""
    said = mutation(PostEdited(**WHOSE, text=None, lang=None, mentions=(3, 2, 3)))
    assert said.stated == {"text": b'""', "lang": b"null", "mentions": b'["2","3"]'}
    assert not said.created


def test_a_deletion_speaks_of_the_end_only() -> None:
    """So that no version of anything else can stand against it."""
    said = mutation(PostDeleted(**WHOSE))
    assert (said.created, said.stated, said.deleted) == ({}, {}, True)


def test_a_follow_is_a_removal_when_it_ends() -> None:
    """And says nothing of options to the list of followers."""
    assert edge_mutation(FollowCreated(**EDGE, replies="none")) == (1, 2, 5, False)
    assert edge_mutation(FollowDeleted(**EDGE)) == (1, 2, 5, True)


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
            await posts.record([mutation(fact)])
        elif isinstance(fact, FollowFact):
            await graph.record([edge_mutation(fact)])
            await edges.record([relation(fact)])
    people = [UserId(each) for each in (*PEOPLE, READER)]
    lists = await graph.followers([SlotRange(each, 0, SLOTS) for each in people])
    told = [await edges.about(each, people) for each in people]
    return await posts.load([PostId(each) for each in POSTS]), [sorted(e) for e in lists], told
