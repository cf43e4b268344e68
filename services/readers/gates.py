"""Loads what the reply gates around some posts depend on, in as few requests as they need."""

import asyncio
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from schemas.ids import ListId, UserId
from services.posts.post import Post
from services.relations.store import Pair, RelationStore
from services.visibility.replies import LISTED, gated_root
from services.visibility.view import Gates, View


async def load_gates(relations: RelationStore, view: View, posts: Iterable[Post]) -> Gates:
    """Return what decides whether these posts pass their roots' gates; no gate, no request.

    Raises StoreUnavailable.
    """
    asked = [(root, post.author_id) for post in posts if (root := gated_root(post, view))]
    pairs: set[Pair] = set()
    lists: dict[ListId, set[UserId]] = {}
    for root, author in asked:
        for entry in root.reply_gate or ():
            if entry == "followers":
                pairs.add((author, root.author_id))
            elif entry == "followed":
                pairs.add((root.author_id, author))
            elif entry.startswith(LISTED):
                lists.setdefault(ListId(int(entry.removeprefix(LISTED))), set()).add(root.author_id)
    if not pairs and not lists:
        return Gates()
    follows, listed = await asyncio.gather(
        relations.followed_pairs(pairs) if pairs else _no_pairs(),
        _load_memberships(relations, lists, {author for _, author in asked}),
    )
    return Gates(follows, listed)


async def _load_memberships(
    relations: RelationStore, lists: dict[ListId, set[UserId]], authors: set[UserId]
) -> AbstractSet[tuple[ListId, UserId]]:
    """Return members of the lists that belong to the root's author; a gate ignores other lists."""
    owned = await asyncio.gather(*map(relations.list_of, lists))
    own = [
        each
        for (each, starters), found in zip(lists.items(), owned, strict=True)
        if found is not None and found.owner_id in starters
    ]
    return await relations.memberships(own, authors) if own else frozenset()


async def _no_pairs() -> AbstractSet[Pair]:
    return frozenset()
