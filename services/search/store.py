"""Port: the posts that a term finds (`services.search.terms`)."""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from schemas.events import PostFact, Visibility
from schemas.ids import PostId, UserId, Version
from services.span import Span

VISIBILITIES: Sequence[Visibility] = ("direct", "followers", "public", "unlisted")
"""In the order of their bytes, by which posts decide between equal versions."""
MAX_TERM_VERSION = 2**62 - 1
"""The highest version of terms: what a deletion removes is above it."""


class PostClaim(NamedTuple):
    """One author's claim of a post id."""

    post_id: PostId
    author_id: UserId


class PostTerms(NamedTuple):
    """The terms that may find a claim, and the version of its being public (`term_version`)."""

    claim: PostClaim
    terms: frozenset[str]
    version: int


class ClaimVersion(NamedTuple):
    """A claim that is not public, and the version of that."""

    claim: PostClaim
    version: int


def term_version(version: Version, visibility: Visibility) -> int:
    """Order statements of visibility as posts do: by version, equal ones by their bytes."""
    rank = VISIBILITIES.index(visibility)
    return min(len(VISIBILITIES) * version + rank, MAX_TERM_VERSION)


def claim_of(fact: PostFact) -> PostClaim:
    """Return the claim that a message is about."""
    return PostClaim(PostId(fact.post_id), UserId(fact.author_id))


class TermStore(Protocol):
    """Entries accumulate and may be outdated: readers check each post by itself.

    Writes are idempotent, and those of different versions commute, but for one thing: after
    `withdraw` an `add` of a lower version may be without effect or not. Who adds must look at the
    post again afterwards. Every method raises StoreUnavailable.
    """

    async def add(self, posts: Sequence[PostTerms]) -> None:
        """Store the terms of posts. Durable on return, and seen by later pages.

        Terms of forgotten claims are not kept.
        """

    async def withdraw(self, claims: Sequence[ClaimVersion]) -> None:
        """Remove all terms that were added to these claims with at most these versions."""

    async def forget(self, claims: Sequence[PostClaim]) -> None:
        """Remove all terms of deleted claims, also those that are added later.

        This removes deleted words from the store; what readers are shown does not depend on it.
        """

    async def page(self, terms: Collection[str], span: Span, limit: int) -> list[PostId]:
        """Return up to `limit` posts with any of the terms, each once, in the span's order.

        Fewer mean that there are no more.
        """
