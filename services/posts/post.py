"""Merges the messages about one post id: a pure function of their set, whatever their order.

Each author who claims an id has a row of cells. There are four kinds of cells:

* *creation* cells keep the value of the lowest version, at equal versions the larger bytes;
* *stated* cells (the editable fields) keep the value of the highest version, at equal versions the
  larger bytes;
* `deleted` is set by a deletion and by nothing else, so it is final;
* `detached` says that this author took a post of theirs out of the quote with this id, for good.

The id belongs to the row with the lowest creation version, at equal versions to the lowest author.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec
from msgspec import UNSET

from schemas.canonical import EMPTY, NULL, Canonical, canonical, canonical_id, value_of
from schemas.events import (
    EDITABLE,
    Creation,
    Deletion,
    Edit,
    PostFact,
    QuoteDetached,
    Visibility,
)
from schemas.ids import PostId, UserId, Version

IMMUTABLE = ("parent_id", "root_id", "repost_of", "quote_of")
BLANKED: Mapping[str, Canonical] = {"text": b'""', "lang": NULL, "tags": EMPTY, "links": EMPTY}
"""Values that a deletion or an erasure writes into the fields that hold an author's words."""
MEMORIZED = 1_024
"""Decoded languages and visibilities kept: a few hundred are in use."""
NOBODY: frozenset[int] = frozenset()

_words = msgspec.json.Decoder(str).decode
_option = lru_cache(MEMORIZED)(value_of)


class PostMutation(NamedTuple):
    """A message about one author's claim of a post id, as the cells that it writes."""

    post_id: PostId
    author_id: UserId
    version: Version
    created: Mapping[str, Canonical]  # IMMUTABLE and EDITABLE fields; empty but for a creation
    stated: Mapping[str, Canonical]  # EDITABLE fields
    deleted: bool
    detached: bool = False


class PostRow(NamedTuple):
    """One author's claim of a post id, merged. `claimed_at` is None where no creation is known."""

    author_id: UserId
    claimed_at: Version | None
    created: Sequence[Canonical]  # IMMUTABLE, then EDITABLE fields
    stated: Sequence[Canonical]  # EDITABLE fields
    deleted: bool
    ancestor_hint: tuple[PostId, ...] = ()
    detached: bool = False


class Post(msgspec.Struct, frozen=True, gc=False):
    """A known post: its owner's messages, merged. It can be in no cycle of references.

    `ancestor_hint` holds the ancestors that were known when it was written, nearest first. It saves
    reads and decides nothing. A deleted post keeps all but its words: text, language, tags and
    links. Only the quoted author counts among `detached_by`, who took a post of theirs out of this
    quote. Several authors claim the id of one that `is_contested`.
    """

    post_id: PostId
    author_id: UserId
    parent_id: PostId | None = None
    root_claim: PostId | None = None
    repost_of: PostId | None = None
    quote_of: PostId | None = None
    text: str = ""
    lang: str | None = None
    visibility: Visibility = "public"
    mentions: frozenset[int] = frozenset()
    tags: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    reply_gate: tuple[str, ...] | None = None
    edited: bool = False
    deleted: bool = False
    ancestor_hint: tuple[PostId, ...] = ()
    detached_by: frozenset[int] = NOBODY
    is_contested: bool = False


class ClaimedPost(NamedTuple):
    """One author's claim as a post, whoever owns the id, and the versions of two fields."""

    post: Post
    visibility_version: Version
    mentions_version: Version


def post_mutation(fact: PostFact) -> PostMutation:
    """Return the cells that a message writes."""
    created: dict[str, Canonical] = {}
    stated: dict[str, Canonical] = {}
    if isinstance(fact, Creation):
        stated = {field: canonical(field, getattr(fact, field)) for field in EDITABLE}
        above = {field: canonical_id(getattr(fact, field, None)) for field in IMMUTABLE}
        created = above | stated
    elif isinstance(fact, Edit):
        values = ((field, getattr(fact, field)) for field in EDITABLE)
        stated = {field: canonical(field, value) for field, value in values if value is not UNSET}
    return PostMutation(
        PostId(fact.post_id),
        UserId(fact.author_id),
        Version(fact.version),
        created,
        stated,
        isinstance(fact, Deletion),
        isinstance(fact, QuoteDetached),
    )


def without_words(fact: PostFact) -> PostFact:
    """Return a fact without what BLANKED blanks."""
    if not isinstance(fact, Creation | Edit):
        return fact
    absent = UNSET if isinstance(fact, Edit) else None
    return msgspec.structs.replace(fact, **dict.fromkeys(BLANKED, absent))


def resolve_post(post: PostId, rows: Iterable[PostRow]) -> Post | None:
    """Return the post of the claim that owns the id; None while no creation is known."""
    rows = list(rows)
    claims = [row for row in rows if row.claimed_at is not None]
    if not claims:
        return None
    owner = min(claims, key=_claimed) if len(claims) > 1 else claims[0]
    parent, root, repost, quote, *created = owner.created
    text, lang, visibility, mentions, tags, links, gate = owner.stated
    if owner.deleted:
        text, lang, tags, links = BLANKED.values()
    return Post(
        post_id=post,
        author_id=owner.author_id,
        parent_id=_post(parent),
        root_claim=_post(root),
        repost_of=_post(repost),
        quote_of=_post(quote),
        text=_words(text),
        lang=_option(lang),
        visibility=_option(visibility),
        mentions=NOBODY if mentions == EMPTY else frozenset(map(int, value_of(mentions))),
        tags=() if tags == EMPTY else tuple(value_of(tags)),
        links=() if links == EMPTY else tuple(value_of(links)),
        reply_gate=None if gate == NULL else tuple(value_of(gate)),
        edited=created != list(owner.stated),
        deleted=owner.deleted,
        ancestor_hint=owner.ancestor_hint,
        detached_by=NOBODY if quote == NULL else frozenset(r.author_id for r in rows if r.detached),
        is_contested=len(claims) > 1,
    )


def _claimed(row: PostRow) -> tuple[Version | None, UserId]:
    return row.claimed_at, row.author_id


def _post(stored: Canonical) -> PostId | None:
    return None if stored == NULL else PostId(int(stored[1:-1]))
