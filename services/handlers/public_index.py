"""An index of terms to public posts: the terms of others are withdrawn."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from schemas.events import Creation
from schemas.ids import PostId, UserId, Version
from services.posts.post import ClaimedPost
from services.search.store import (
    MAX_TERM_VERSION,
    ClaimVersion,
    PostClaim,
    PostTerms,
    TermStore,
    term_version,
)
from services.search.terms import PublicPost

TermsOf: TypeAlias = Callable[[PublicPost], frozenset[str]]


def created_public(fact: Creation) -> PublicPost | None:
    """Return the post that a creation alone makes public. None for others, and for reposts."""
    if fact.repost_of is not None or fact.visibility not in (None, "public"):
        return None
    return PublicPost(
        PostClaim(PostId(fact.post_id), UserId(fact.author_id)),
        term_version(Version(fact.version), "public"),
        fact.text or "",
        frozenset(fact.tags or ()),
    )


def public_post(claimed: ClaimedPost) -> PublicPost | None:
    """Return a claim as it may be found. None for what is not public, deleted, or a repost."""
    post = claimed.post
    if post.deleted or post.repost_of is not None or post.visibility != "public":
        return None
    version = term_version(claimed.visibility_version, "public")
    return PublicPost(
        PostClaim(post.post_id, post.author_id), version, post.text, frozenset(post.tags)
    )


def _withdrawn(claimed: ClaimedPost) -> ClaimVersion | None:
    """Return a claim with the version up to which nothing may find it. None for a public repost.

    What may be a post again by a later message keeps the terms that it had.
    """
    post = claimed.post
    claim = PostClaim(post.post_id, post.author_id)
    if post.deleted:
        return ClaimVersion(claim, MAX_TERM_VERSION)
    if post.visibility == "public":
        return None
    return ClaimVersion(claim, term_version(claimed.visibility_version, post.visibility))


class PublicIndex:
    """Adds the terms of public posts to a store and withdraws those of others: a ClaimIndex."""

    def __init__(self, terms: TermStore, terms_of: TermsOf) -> None:
        self._terms = terms
        self._terms_of = terms_of

    def stated(self, creation: Creation) -> PublicPost | None:
        return created_public(creation)

    def owed(self, claimed: ClaimedPost) -> PublicPost | ClaimVersion | None:
        return public_post(claimed) or _withdrawn(claimed)

    def adds(self, entry: PublicPost | ClaimVersion) -> bool:
        return isinstance(entry, PublicPost)

    async def write(self, entries: Sequence[tuple[PostClaim, PublicPost | ClaimVersion]]) -> None:
        public = [each for _, each in entries if isinstance(each, PublicPost)]
        if public:
            await self._terms.add(
                [PostTerms(each.claim, self._terms_of(each), each.version) for each in public]
            )
        others = [each for _, each in entries if isinstance(each, ClaimVersion)]
        if others:
            await self._terms.withdraw(others)
