"""What a handled message has left in the store, read on its own."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from schemas.codec import Message
from schemas.events import Creation, Deletion, FollowDeleted, FollowFact, PostFact, ReplyCreated
from schemas.ids import DEFAULT_EPOCH, SLOTS, UserId, post_time, slot
from services.buckets import BUCKET_MS
from services.graph.store import GraphStore, SlotRange
from services.posts.post import post_mutation
from services.relations.store import RelationStore
from services.storage.session import Store
from services.storage.statements import INVERTED, key_chunks, select
from services.timelines.cassandra import SHARDS

POSTS_AT_ONCE = 100
"""In one query of a shard, with all of its users who are asked about."""
FIELDS = ("text", "lang", "visibility", "mentions", "tags", "links", "reply_gate")

_POSTS = select(
    "posts",
    "sampler",
    "post_id, author_id, deleted, writetime(created_text), "
    f"{', '.join(f'writetime({field})' for field in FIELDS)}",
    "WHERE post_id IN ?",
)
_WRITTEN = select(
    "author_timeline", "sampler", "author_id, post_id", "WHERE author_id IN ? AND post_id IN ?"
)
_CHILDREN = select(
    "children", "sampler", "parent_id, post_id", "WHERE parent_id IN ? AND post_id IN ?"
)
_ENTRIES = select(
    "home_timeline",
    "sampler",
    "user_id, post_id",
    "WHERE bucket = ? AND shard = ? AND user_id IN ? AND post_id IN ?",
)

Pair = tuple[int, int]


class Effects:
    """Answers for many messages with few queries. Raises StoreUnavailable."""

    def __init__(self, store: Store, graph: GraphStore, relations: RelationStore) -> None:
        self._store = store
        self._graph = graph
        self._relations = relations

    async def missing_entries(self, wanted: Iterable[Pair]) -> set[Pair]:
        """Those of the entries (user, post) that no home timeline has."""
        places: defaultdict[tuple[int, int], set[Pair]] = defaultdict(set)
        for user, post in wanted:
            bucket = post_time(post, DEFAULT_EPOCH) // BUCKET_MS
            places[bucket, slot(user) * SHARDS // SLOTS].add((user, post))
        absent = await asyncio.gather(*(self._absent(*at, some) for at, some in places.items()))
        return set().union(*absent)

    async def _absent(self, bucket: int, shard: int, wanted: set[Pair]) -> set[Pair]:
        users = list({user for user, _ in wanted})
        found: set[Pair] = set()
        for posts in key_chunks(sorted({post for _, post in wanted}), POSTS_AT_ONCE):
            rows = await self._store.read(_ENTRIES, bucket, shard, users, posts)
            found.update((user, post) for user, post in rows)
        return wanted - found

    async def lacking(self, messages: Sequence[Message]) -> list[str | None]:
        """What of each message's own rows is not there; None where nothing is."""
        posts, follows = _of(messages, PostFact), _of(messages, FollowFact)
        rows, links, edges = await asyncio.gather(
            self._rows(posts), self._links(posts), self._edges(follows)
        )
        return [
            _post_lacks(each, rows, links)
            if isinstance(each, PostFact)
            else _edge_lacks(each, edges)
            if isinstance(each, FollowFact)
            else None
            for each in messages
        ]

    async def _rows(self, facts: Sequence[Any]) -> dict[Pair, list[Any]]:
        asked = (self._store.read(_POSTS, some) for some in key_chunks(f.post_id for f in facts))
        rows = [row for some in await asyncio.gather(*asked) for row in some]
        return {(post, author): cells for post, author, *cells in rows}

    async def _links(self, facts: Sequence[Any]) -> set[tuple[str, int, int]]:
        """What stands in author timelines, and below parents."""
        created = [fact for fact in facts if isinstance(fact, Creation)]
        above = [("by", fact.author_id, fact.post_id) for fact in created]
        above += [
            ("below", fact.parent_id, fact.post_id)
            for fact in created
            if isinstance(fact, ReplyCreated)
        ]
        found: set[tuple[str, int, int]] = set()
        for kind, statement in (("by", _WRITTEN), ("below", _CHILDREN)):
            grouped: defaultdict[int, list[int]] = defaultdict(list)
            for each, key, post in above:
                if each == kind:
                    grouped[key].append(post)
            asked = (self._store.read(statement, [key], of) for key, of in grouped.items())
            for rows in await asyncio.gather(*asked):
                found.update((kind, key, post) for key, post in rows)
        return found

    async def _edges(self, facts: Sequence[Any]) -> "Edges":
        """What both ends say of the edges that are there."""
        followees: defaultdict[int, set[UserId]] = defaultdict(set)
        for fact in facts:
            followees[fact.follower_id].add(UserId(fact.followee_id))
        mine = [self._relations.about(UserId(key), of) for key, of in followees.items()]
        authors = list({UserId(fact.followee_id) for fact in facts})
        theirs = self._graph.followers([SlotRange(author, 0, SLOTS) for author in authors])
        told, lists = await asyncio.gather(asyncio.gather(*mine), theirs)
        edges = [edge for each in told for edge in each.edges.values()]
        return Edges(
            {(edge.follower_id, edge.followee_id): edge.version for edge in edges},
            dict(zip(authors, (set(each.tolist()) for each in lists), strict=True)),
        )


class Edges(NamedTuple):
    """Versions by follower and followee; followers by followee."""

    versions: Mapping[Pair, int]
    followers: Mapping[UserId, set[int]]


def _of(messages: Sequence[Message], kind: Any) -> list[Any]:
    return [each for each in messages if isinstance(each, kind)]


def _post_lacks(
    fact: PostFact, rows: Mapping[Pair, list[Any]], links: set[tuple[str, int, int]]
) -> str | None:
    deleted, created_at, *stated_at = rows.get((fact.post_id, fact.author_id), [None] * 9)
    if isinstance(fact, Deletion):
        return None if deleted else "no deletion"
    times = dict(zip(FIELDS, stated_at, strict=True))
    stale = [each for each in post_mutation(fact).stated if (times[each] or 0) < fact.version]
    if stale:
        return f"no {', '.join(stale)}"
    if isinstance(fact, Creation):
        if created_at is None or created_at < INVERTED - fact.version:
            return "no creation"
        if ("by", fact.author_id, fact.post_id) not in links:
            return "no author entry"
    if isinstance(fact, ReplyCreated) and ("below", fact.parent_id, fact.post_id) not in links:
        return "no link to the parent"
    return None


def _edge_lacks(fact: FollowFact, edges: Edges) -> str | None:
    """An edge that is there no more lacks both ends: the reason may be a message that follows."""
    version = edges.versions.get((fact.follower_id, fact.followee_id))
    if isinstance(fact, FollowDeleted):
        return "no end of the edge" if version is not None and version <= fact.version else None
    if version is None or version < fact.version:
        return "no followee"
    listed = fact.follower_id in edges.followers[UserId(fact.followee_id)]
    return None if listed else "no follower"
