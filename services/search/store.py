"""Port: the posts that a term finds (`services.search.terms`)."""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from schemas.events import PostFact
from schemas.ids import PostId, UserId
from services.span import Span


class PostClaim(NamedTuple):
    """One author's claim of a post id."""

    post_id: PostId
    author_id: UserId


class PostTerms(NamedTuple):
    """The terms of one message: they may find its claim."""

    claim: PostClaim
    terms: frozenset[str]


def claim_of(fact: PostFact) -> PostClaim:
    """Return the claim that a message is about."""
    return PostClaim(PostId(fact.post_id), UserId(fact.author_id))


class TermStore(Protocol):
    """Entries accumulate and may be outdated: readers check each post by itself.

    Both writes are idempotent and commute. Every method raises StoreUnavailable.
    """

    async def add(self, posts: Sequence[PostTerms]) -> None:
        """Store the terms of posts. Durable on return, and seen by later pages.

        Terms of forgotten claims are not kept.
        """

    async def forget(self, claims: Sequence[PostClaim]) -> None:
        """Remove all terms of deleted claims, also those that are added later.

        This removes deleted words from the store; what readers are shown does not depend on it.
        """

    async def page(self, terms: Collection[str], span: Span, limit: int) -> list[PostId]:
        """Return up to `limit` posts with any of the terms, each once, in the span's order.

        Fewer mean that there are no more.
        """
