"""Port: which posts are found by a term (`services.search.terms`)."""

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
    """What a message says that a claim may be found by."""

    claim: PostClaim
    terms: frozenset[str]


def claim_of(fact: PostFact) -> PostClaim:
    """The claim that a message is about."""
    return PostClaim(PostId(fact.post_id), UserId(fact.author_id))


class TermStore(Protocol):
    """Entries accumulate and may be out of date: a reader judges each post by itself.

    Both writes are idempotent and commute. Every method raises StoreUnavailable.
    """

    async def add(self, said: Sequence[PostTerms]) -> None:
        """Keeps by which terms posts may be found. Durable on return, and seen by later pages.

        Of a claim that was forgotten nothing is kept.
        """

    async def forget(self, claims: Sequence[PostClaim]) -> None:
        """Removes all terms of claims whose author deleted them, those added later included.

        So that no deleted words stay: what is shown does not rest on it.
        """

    async def page(self, terms: Collection[str], span: Span, limit: int) -> list[PostId]:
        """Up to `limit` posts found by any of the terms, each once, in the span's order.

        Fewer than `limit`: there are no more.
        """
