"""Histories: what a handful of people may say, of a handful of posts and of each other.

Ids, versions and people are few, so that facts meet: several claim one id, replies come before
their parents, versions are equal, lines of replies and of reposts close in cycles.
"""

from collections.abc import Sequence
from itertools import product
from random import Random
from typing import Any, TypeAlias

import msgspec
from hypothesis import strategies as st

from schemas.events import (
    Creation,
    FollowCreated,
    FollowDeleted,
    FollowFact,
    PostCreated,
    PostDeleted,
    PostEdited,
    PostFact,
    QuoteDetached,
    ReplyCreated,
    ReplyDeleted,
    ReplyEdited,
)
from schemas.ids import DAY_MS, post_id, post_time
from schemas.relations import RelationFact

Fact: TypeAlias = PostFact | FollowFact | RelationFact

NOW = 1_760_000_000_000
RETENTION_DAYS = 30
PEOPLE = (1, 2, 3, 4)
READER = 5
"""Follows, and never writes."""
VIEWERS = (*PEOPLE, READER, None)

_OLD = NOW - RETENTION_DAYS * DAY_MS
_TODAY = range(NOW - 7 * 60_000, NOW, 60_000)
POSTS = tuple(post_id(time, k) for k, time in enumerate([_OLD - DAY_MS, _OLD, _OLD + 1, *_TODAY]))
"""One past its retention, one that reaches it now, one that does next; the rest are of today."""

WORDS: tuple[dict[str, Any], ...] = (
    *({} for _ in range(4)),
    *({"visibility": seen} for seen in ("public", "unlisted", "followers", "direct", None)),
    *({"visibility": seen, "mentions": (1, READER)} for seen in ("followers", "direct")),
    *({"text": text} for text in ("", "a", "b", 'é"', "\U0001f600", None)),
    {"mentions": (2, 3, 2)},
    {"mentions": None, "visibility": "direct"},
    {"text": "a", "lang": "en", "tags": ("b", "a", "b")},
    {"lang": None, "tags": (), "links": ("https://mingle.example/",)},
    {"reply_gate": (), "text": "a"},
)
OPTIONS: tuple[dict[str, Any], ...] = tuple(
    {"replies": replies, "reposts": reposts}
    for replies, reposts in product(
        (None, "all", "followed", "conversation", "self_threads", "none"), (None, True, False)
    )
)

people = st.sampled_from(PEOPLE)
posts = st.sampled_from(POSTS)
offsets = st.integers(0, 3)
chances = st.integers(0, 10_000).map(Random)
"""The order in which things happen to a history, fixed by a number so that it can be told again."""


def log(facts: Sequence[Fact]) -> list[dict[str, Any]]:
    """The facts as the model takes them."""
    plain: list[dict[str, Any]] = msgspec.to_builtins(facts)
    return plain


@st.composite
def creations(draw: st.DrawFn) -> Creation:
    """A post, a reply, a repost, or a reply that is a repost."""
    place = draw(st.integers(0, len(POSTS) - 1))
    fields = draw(st.sampled_from(WORDS)) | {
        "version": post_time(POSTS[place]) * 1_000 + draw(offsets),
        "post_id": POSTS[place],
        "author_id": draw(people),
    }
    kind = draw(st.sampled_from(("post", "reply", "reply", "reply", "repost", "both")))
    if draw(st.integers(0, 2)) == 0:
        fields["quote_of"] = draw(posts)
    if kind in ("repost", "both"):
        fields["repost_of"] = draw(posts)
    if kind in ("post", "repost"):
        return PostCreated(**fields)
    parent = draw(posts | st.sampled_from(POSTS[: place + 1]))
    return ReplyCreated(**fields, parent_id=parent, root_id=draw(st.none() | posts))


@st.composite
def later_words(draw: st.DrawFn, created: Sequence[Creation]) -> PostFact:
    """An edit, deletion or detachment of one of these, by whoever, dated before or after it."""
    about = draw(st.sampled_from(created))
    whose = {
        "version": about.version + draw(st.integers(-1, 2)),
        "post_id": about.post_id,
        "author_id": draw(st.just(about.author_id) | people),
    }
    kinds = (PostEdited, ReplyEdited, PostDeleted, ReplyDeleted, QuoteDetached, QuoteDetached)
    kind = draw(st.sampled_from(kinds))
    if kind in (PostEdited, ReplyEdited):
        whose |= draw(st.sampled_from(WORDS))
    return kind(**whose)


@st.composite
def follows(draw: st.DrawFn) -> FollowFact:
    """An edge made, changed or ended; whoever follows himself is no exception."""
    edge = {
        "version": NOW * 1_000 + draw(offsets),
        "follower_id": draw(st.sampled_from((*PEOPLE, READER, READER))),
        "followee_id": draw(people),
    }
    options = draw(st.sampled_from((*OPTIONS, *[None] * 5)))
    return FollowDeleted(**edge) if options is None else FollowCreated(**edge, **options)


@st.composite
def histories(draw: st.DrawFn) -> list[Fact]:
    """Facts in no particular order, few or many."""
    many = draw(st.sampled_from((0, 3)))
    created = draw(st.lists(creations(), min_size=1 + 3 * many, max_size=14))
    later = draw(st.lists(later_words(created), min_size=many, max_size=6))
    edges = draw(st.lists(follows(), min_size=2 * many, max_size=12))
    return [*created, *later, *edges]


@st.composite
def conversations(draw: st.DrawFn) -> list[Fact]:
    """A root and replies that claim it or each other, to parents that are not all known."""
    few = POSTS[-6:]
    facts: list[Fact] = []
    for post in few:
        whose = {
            "version": post_time(post) * 1_000,
            "post_id": post,
            "author_id": draw(people),
            "visibility": draw(st.sampled_from((None, None, None, "followers", "direct"))),
        }
        kind = draw(st.sampled_from(("reply", "reply", "reply", "deleted", "unknown")))
        if post == few[0]:
            facts.append(PostCreated(**whose))
        elif kind != "unknown":
            above = st.sampled_from(few)
            facts.append(ReplyCreated(**whose, parent_id=draw(above), root_id=draw(above)))
        if kind == "deleted":
            facts.append(PostDeleted(version=0, post_id=post, author_id=whose["author_id"]))
    return facts
