"""Brings indexes of posts up to what the store has of them, in whatever order messages come.

Whoever changes a post writes it first, and then brings the indexes up to what is read back. Entries
are written before the post is read a last time, so of two concurrent changes the later reader sees
both, and what a change withdraws has a version above all that it withdraws.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from schemas.events import Creation, PostFact
from schemas.ids import PostId
from services.posts.post import ClaimedPost
from services.posts.store import PostStore
from services.search.store import PostClaim, claim_of

Claims = Mapping[PostClaim, ClaimedPost]
E = TypeVar("E")


class ClaimIndex(Protocol[E]):
    """An index that holds an entry, of some kind, for each author's claim of a post id.

    It decides by the messages of one author about one post id, never by relations or other posts.
    """

    def stated(self, creation: Creation) -> E | None:
        """Return the entry of a claim by the creation's own word; None for none."""

    def owed(self, claimed: ClaimedPost) -> E | None:
        """Return the entry of a claim as it was read back; None where nothing is to be done."""

    def adds(self, entry: E) -> bool:
        """Whether the entry adds something, so that its claim is to be looked at again."""

    async def write(self, entries: Sequence[tuple[PostClaim, E]]) -> None:
        """Write entries. Raises StoreUnavailable."""


async def update_indexes(
    posts: PostStore, facts: Iterable[PostFact], *indexes: ClaimIndex[Any]
) -> None:
    """Index the posts of recorded messages.

    A creation is indexed by its own word first, which saves a reading for nearly all of them: for a
    moment also where a later edit narrowed it. Raises StoreUnavailable.
    """
    facts = list(facts)
    created = [fact for fact in facts if isinstance(fact, Creation)]
    written: list[dict[PostClaim, Any]] = []
    for index in indexes:
        stated = {claim_of(fact): index.stated(fact) for fact in created}
        written.append({claim: each for claim, each in stated.items() if each is not None})
    await _write(indexes, [list(each.items()) for each in written])
    await _bring_up(posts, {claim_of(fact) for fact in facts}, indexes, written)


async def reindex_posts(
    posts: PostStore, ids: Collection[PostId], *indexes: ClaimIndex[Any]
) -> None:
    """Index all claims of these posts as they are by now. Raises StoreUnavailable."""
    loaded = await posts.load_claims(ids)
    claims = {PostClaim(each.post.post_id, each.post.author_id) for each in loaded}
    await _bring_up(posts, claims, indexes, [{} for _ in indexes])


async def _bring_up(
    posts: PostStore,
    claims: Collection[PostClaim],
    indexes: Sequence[ClaimIndex[Any]],
    written: Sequence[dict[PostClaim, Any]],
) -> None:
    """Write what claims are owed beyond what was written, until there is nothing to add."""
    while claims:
        loaded = await posts.load_claims({claim.post_id for claim in claims})
        known = {PostClaim(each.post.post_id, each.post.author_id): each for each in loaded}
        owed = [
            [
                (claim, entry)
                for claim in known.keys() & claims
                if (entry := index.owed(known[claim])) is not None
                and (entry != done.get(claim) or not index.adds(entry))
            ]
            for index, done in zip(indexes, written, strict=True)
        ]
        await _write(indexes, owed)
        again: set[PostClaim] = set()
        for index, done, entries in zip(indexes, written, owed, strict=True):
            done.update(entries)
            again |= {claim for claim, entry in entries if index.adds(entry)}
        claims = again


async def _write(
    indexes: Sequence[ClaimIndex[Any]], entries: Sequence[Sequence[tuple[PostClaim, Any]]]
) -> None:
    await asyncio.gather(
        *(index.write(each) for index, each in zip(indexes, entries, strict=True) if each)
    )
