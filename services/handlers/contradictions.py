"""Counts replies that claim a root which their parents contradict (rule 19)."""

from collections.abc import Iterable, Mapping

from prometheus_client import Counter

from schemas.ids import PostId
from services.posts.ancestry import ancestors, load_above, root_of
from services.posts.post import Post
from services.posts.store import PostStore


class ContradictedClaims:
    """Counts them as they are handled, or as their parents arrive; the claims are ignored."""

    def __init__(self, posts: PostStore, counter: Counter) -> None:
        self._posts = posts
        self._counter = counter

    async def count(self, replies: Iterable[PostId], known: Mapping[PostId, Post]) -> None:
        """Count among replies whose known ancestors are in `known`. Raises StoreUnavailable.

        Those with an unknown ancestor wait for it. A claim of the root itself, as nearly all are,
        takes no request.
        """
        roots: dict[Post, PostId] = {}
        for post in (known[each] for each in set(replies) if each in known):
            if post.root_claim is None or post.parent_id not in known:
                continue
            top = [post.post_id, *ancestors(post, known)][-1]
            if top in known and known[top].parent_id is None and top != post.root_claim:
                roots[post] = top
        if not roots:
            return
        above = dict(known)
        await load_above(self._posts, above, [each.root_claim for each in roots if each.root_claim])
        contradicted = sum(_claimed_root(each, above) != root for each, root in roots.items())
        self._counter.inc(contradicted)


def _claimed_root(post: Post, known: Mapping[PostId, Post]) -> PostId | None:
    """Return the root that a claim means: of a reply, that reply's."""
    claimed = None if post.root_claim is None else known.get(post.root_claim)
    return post.root_claim if claimed is None else root_of(claimed, known)
