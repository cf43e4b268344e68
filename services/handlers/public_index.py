"""Keeps an index of terms to public posts, in whatever order their messages come.

Whoever changes a post writes it first, and then brings its terms up to what is read back. Terms are
written before the post is read a last time, so of two concurrent changes the later reader sees
both, and what a change withdraws has a version above all that it withdraws.
"""

from collections.abc import Callable, Collection, Iterable, Mapping

from schemas.events import Creation, PostFact
from schemas.ids import PostId, UserId, Version
from services.posts.post import ClaimedPost
from services.posts.store import PostStore
from services.search.store import (
    MAX_TERM_VERSION,
    ClaimVersion,
    PostClaim,
    PostTerms,
    TermStore,
    claim_of,
    term_version,
)
from services.search.terms import PublicPost


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


def _withdrawn_version(claimed: ClaimedPost) -> int | None:
    """Return up to which version nothing may find a claim. None for a public repost.

    What may be a post again by a later message keeps the terms that it had.
    """
    post, version = claimed
    if post.deleted:
        return MAX_TERM_VERSION
    return None if post.visibility == "public" else term_version(version, post.visibility)


class PublicIndex:
    """Adds the terms of public posts to a store and withdraws those of others.

    Decides by the messages of one author about one post id, never by relations or other posts.
    """

    def __init__(
        self, posts: PostStore, terms: TermStore, terms_of: Callable[[PublicPost], frozenset[str]]
    ) -> None:
        self._posts = posts
        self._terms = terms
        self._terms_of = terms_of

    async def update(self, facts: Iterable[PostFact]) -> None:
        """Index the posts of recorded messages.

        A creation that makes its post public is added by its own words, which saves a reading: for
        a moment also where a later edit narrowed it. Raises StoreUnavailable.
        """
        facts = list(facts)
        created = (created_public(fact) for fact in facts if isinstance(fact, Creation))
        stated = {post.claim: post for post in created if post is not None}
        await self._add(stated.values())
        await self._refresh({claim_of(fact) for fact in facts}, stated)

    async def reindex(self, posts: Collection[PostId]) -> None:
        """Index all claims of these posts as they are by now. Raises StoreUnavailable."""
        claims = await self._posts.load_claims(posts)
        await self._refresh({PostClaim(each.post_id, each.author_id) for each, _ in claims}, {})

    async def _refresh(
        self, claims: Collection[PostClaim], added: Mapping[PostClaim, PublicPost]
    ) -> None:
        """Index claims as they are by now; `added` was just added. Raises StoreUnavailable."""
        while claims:
            public = await self._withdraw_others(claims)
            added = {each.claim: each for each in public if added.get(each.claim) != each}
            await self._add(added.values())
            claims = added.keys()

    async def _withdraw_others(self, claims: Collection[PostClaim]) -> list[PublicPost]:
        """Withdraw the terms of claims that are not public, or deleted. Return the public ones."""
        loaded = await self._posts.load_claims({claim.post_id for claim in claims})
        known = {PostClaim(each.post.post_id, each.post.author_id): each for each in loaded}
        public, others = [], []
        for claim in known.keys() & claims:
            if (post := public_post(known[claim])) is not None:
                public.append(post)
            elif (version := _withdrawn_version(known[claim])) is not None:
                others.append(ClaimVersion(claim, version))
        if others:
            await self._terms.withdraw(others)
        return public

    async def _add(self, posts: Collection[PublicPost]) -> None:
        if posts:
            await self._terms.add(
                [PostTerms(each.claim, self._terms_of(each), each.version) for each in posts]
            )
