"""The users that somebody follows, blocks or mutes, and their followers, a page at a time."""

from dataclasses import dataclass
from typing import NamedTuple

from schemas.ids import SLOTS, UserId, slot
from services.graph.store import GraphStore, SlotRange
from services.relations.mutation import SubjectKind
from services.relations.relations import Relationship
from services.relations.store import RelationStore


class Person(NamedTuple):
    """A user, and how they and an owner stand to each other.

    Whether they block the owner is not disclosed.
    """

    user_id: UserId
    relationship: Relationship
    followed_by: bool


class PeoplePage(NamedTuple):
    """A page, and the user to continue from; None at the end."""

    people: list[Person]
    last: UserId | None


@dataclass(frozen=True, slots=True)
class RelationsReader:
    """Reads how users stand to each other. Every method raises StoreUnavailable."""

    relations: RelationStore
    graph: GraphStore

    async def relationships(self, owner: UserId, others: list[UserId]) -> list[Person]:
        """Return how the owner and each of the others stand to each other."""
        if not others:
            return []
        known = await self.relations.about(owner, others)
        follows = await self.relations.followed_pairs({(each, owner) for each in others})
        return [Person(each, known.to(each), (each, owner) in follows) for each in others]

    async def page(self, owner: UserId, kind: SubjectKind, after: UserId, limit: int) -> PeoplePage:
        """Return up to `limit` users that the owner follows, blocks or mutes, by their ids."""
        found = list(await self.relations.others(owner, kind, after=after, limit=limit + 1))
        page = found[:limit]
        people = await self.relationships(owner, page)
        return PeoplePage(people, page[-1] if len(found) > limit else None)

    async def followers(self, owner: UserId, after: UserId, limit: int) -> PeoplePage:
        """Return up to `limit` followers of the owner, by their slots.

        Users whose edge a block has ended are left out, so a page may be short with more to come.
        """
        counts = await self.graph.follower_counts([owner])
        width = max(1, SLOTS * limit // max(1, counts.get(owner, 0)))
        place = (slot(after), after) if after else (0, 0)
        start, found = place[0], list[UserId]()
        while start < SLOTS and len(found) <= limit:
            end = min(SLOTS, start + width)
            (listed,) = await self.graph.followers([SlotRange(owner, start, end)])
            order = sorted((slot(each), UserId(each)) for each in listed.tolist())
            found += [each for where, each in order if (where, each) > place]
            start, width = end, 2 * width  # removed followers may have been counted
        page = found[:limit]
        people = [each for each in await self.relationships(owner, page) if each.followed_by]
        return PeoplePage(people, page[-1] if len(found) > limit else None)
