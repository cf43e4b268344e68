"""Loads what the reply gates around some posts depend on, in as few requests as they need."""

import asyncio
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from schemas.ids import ListId, UserId
from services.posts.post import Post
from services.relations.store import Pair, RelationStore
from services.visibility.replies import LISTED, gated_root
from services.visibility.view import Gates, ListMember, View


async def load_gates(relations: RelationStore, view: View, posts: Iterable[Post]) -> Gates:
    """Return what decides whether these posts pass their roots' gates; no gate, no request.

    Raises StoreUnavailable.
    """
    asked = [(root, post.author_id) for post in posts if (root := gated_root(post, view))]
    pairs: set[Pair] = set()
    named: set[ListId] = set()
    for root, author in asked:
        for entry in root.reply_gate or ():
            if entry == "followers":
                pairs.add((author, root.author_id))
            elif entry == "followed":
                pairs.add((root.author_id, author))
            elif entry.startswith(LISTED):
                named.add(ListId(int(entry.removeprefix(LISTED))))
    if not pairs and not named:
        return Gates()
    follows, listed = await asyncio.gather(
        relations.followed_pairs(pairs) if pairs else _no_pairs(),
        _load_members(relations, list(named), {author for _, author in asked}),
    )
    return Gates(follows, listed)


async def _load_members(
    relations: RelationStore, named: list[ListId], authors: set[UserId]
) -> AbstractSet[ListMember]:
    """Return which authors are on the lists that gates name, with each list's owner."""
    found = await asyncio.gather(*map(relations.list_of, named))
    owners = {
        each: owned.owner_id for each, owned in zip(named, found, strict=True) if owned is not None
    }
    members = await relations.memberships(list(owners), authors) if owners else ()
    return {ListMember(each, owners[each], member) for each, member in members}


async def _no_pairs() -> AbstractSet[Pair]:
    return frozenset()
