"""An index of listings by who may read their posts."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from schemas.events import Creation, Visibility
from schemas.ids import PostId, UserId, Version
from services.audiences.store import (
    EVERYBODY,
    FOLLOWERS,
    SIGNED_IN,
    AudienceChange,
    AudienceKey,
    AudienceStore,
    Listing,
    followers_of,
)
from services.posts.ancestry import load_above, root_of
from services.posts.post import ClaimedPost, Post
from services.posts.store import PostStore
from services.search.store import MAX_TERM_VERSION, PostClaim, term_version

Roots: TypeAlias = dict[PostClaim, PostId]
"""The roots of claims that are replies, where they are known."""
NO_ROOTS: Mapping[PostClaim, PostId] = {}
WIDEST = (EVERYBODY, SIGNED_IN, FOLLOWERS)
"""Audiences of more than one user. An entry for one user stays when an edit no longer names them:
they could read the post before."""


class AudienceStatement(NamedTuple):
    """Who may read a claim in which listings, and the version of that.

    It rises with each change: by the version of the visibility or by that of the mentions. What is
    `narrow`, as it was read back, may have been filed for wider audiences before.
    """

    claim: PostClaim
    listings: tuple[Listing, ...]
    audiences: frozenset[int]
    version: int
    narrow: bool = False

    def owed_keys(self) -> Iterator[AudienceKey]:
        """Yield the keys that are to be there. Search alone reads conversations: public posts."""
        for listing in self.listings:
            for audience in self.audiences:
                if listing.kind != "conversation" or audience == EVERYBODY:
                    yield self._key(listing, audience)

    def withdrawn_keys(self) -> Iterator[AudienceKey]:
        """Yield the keys that may be there and are not to be."""
        wider = [each for each in WIDEST if each not in self.audiences] if self.narrow else ()
        for listing in self.listings:
            for audience in wider:
                yield self._key(listing, audience)

    def _key(self, listing: Listing, audience: int) -> AudienceKey:
        if audience == FOLLOWERS and listing.kind != "author":
            audience = followers_of(self.claim.author_id)
        return AudienceKey(listing, audience, *self.claim)


class AudienceIndex:
    """Files posts under their authors, what they quote, and their roots: a ClaimIndex.

    `roots` has the conversations of replies, as far as they are known.
    """

    def __init__(
        self, audiences: AudienceStore, roots: Mapping[PostClaim, PostId] = NO_ROOTS
    ) -> None:
        self._audiences = audiences
        self._roots = roots

    def stated(self, creation: Creation) -> AudienceStatement:
        claim = PostClaim(PostId(creation.post_id), UserId(creation.author_id))
        visibility, version = creation.visibility or "public", Version(creation.version)
        return AudienceStatement(
            claim,
            self._listings(claim, creation.quote_of, creation.repost_of),
            _audiences(visibility, creation.author_id, map(int, creation.mentions or ())),
            _version(version, visibility, version),
        )

    def owed(self, claimed: ClaimedPost) -> AudienceStatement:
        post = claimed.post
        claim = PostClaim(post.post_id, post.author_id)
        listings = self._listings(claim, post.quote_of, post.repost_of)
        if post.deleted:
            return AudienceStatement(claim, listings, frozenset(), MAX_TERM_VERSION, narrow=True)
        return AudienceStatement(
            claim,
            listings,
            _audiences(post.visibility, post.author_id, post.mentions),
            _version(claimed.visibility_version, post.visibility, claimed.mentions_version),
            narrow=post.visibility != "public",
        )

    def adds(self, entry: AudienceStatement) -> bool:
        return bool(entry.audiences)

    async def write(self, entries: Sequence[tuple[PostClaim, AudienceStatement]]) -> None:
        statements = [statement for _, statement in entries]
        await self._audiences.change(
            [
                AudienceChange(key, 2 * each.version + 1)
                for each in statements
                for key in each.owed_keys()
            ],
            [
                AudienceChange(key, 2 * each.version)
                for each in statements
                for key in each.withdrawn_keys()
            ],
        )

    def _listings(
        self, claim: PostClaim, quote_of: int | None, repost_of: int | None
    ) -> tuple[Listing, ...]:
        listings = [Listing("author", claim.author_id)]
        if quote_of is not None and repost_of is None:
            listings.append(Listing("quotes", quote_of))
        if repost_of is None and (root := self._roots.get(claim)) is not None:
            listings.append(Listing("conversation", root))
        return tuple(listings)


def _audiences(visibility: Visibility, author: int, mentions: Iterable[int]) -> frozenset[int]:
    if visibility == "public":
        return frozenset((EVERYBODY,))
    if visibility == "unlisted":
        return frozenset((SIGNED_IN,))
    named = {author, *mentions}
    return frozenset(named | {FOLLOWERS}) if visibility == "followers" else frozenset(named)


def _version(visible: Version, visibility: Visibility, named: Version) -> int:
    """Return a number that rises with each change of either, below half of the highest there is."""
    return min(term_version(visible, visibility) + 4 * named, MAX_TERM_VERSION)


async def load_roots(posts: PostStore, ids: Collection[PostId]) -> Roots:
    """Return the roots of those of these posts that are replies. Raises StoreUnavailable."""
    known: dict[PostId, Post] = {}
    await load_above(posts, known, ids)
    return known_roots(ids, known)


def known_roots(posts: Iterable[PostId], known: Mapping[PostId, Post]) -> Roots:
    """Return the roots of those of these posts that are replies; `known` has all above them."""
    replies = [known[each] for each in posts if each in known and known[each].parent_id is not None]
    found = ((PostClaim(each.post_id, each.author_id), root_of(each, known)) for each in replies)
    return {claim: root for claim, root in found if root is not None}
