"""Versions that step back: a producer's clock or sequence is wrong, though nothing is lost."""

from collections.abc import Sequence
from typing import TypeVar

from prometheus_client import Counter

from schemas.codec import KINDS
from schemas.events import FollowFact, PostFact
from schemas.relations import RelationFact
from services.handlers.handler import Accepted, Handler
from services.latest import Latest
from services.relations.mutation import subject

VersionedFact = TypeVar("VersionedFact", bound=PostFact | FollowFact | RelationFact)

MAX_THINGS = 100_000
"""Posts, edges and the like whose last version is remembered, some 20 MB; the longest unheard go
first."""


class StaleVersions:
    """Counts facts whose version is lower than one that came before for the same thing.

    What is said of one thing shares a key, hence a partition and, between rebalances, a process.
    """

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._highest: Latest[object, int] = Latest(MAX_THINGS)

    def wrap(self, handle: Handler[VersionedFact]) -> Handler[VersionedFact]:
        """The same handler; what it has handled is looked at."""

        async def counted(batch: Sequence[Accepted[VersionedFact]]) -> int | None:
            done = await handle(batch)
            for each in batch[:done]:
                self._see(each.message)
            return done

        return counted

    def _see(self, fact: PostFact | FollowFact | RelationFact) -> None:
        thing = fact.post_id if isinstance(fact, PostFact) else subject(fact)
        highest = self._highest.get(thing, fact.version)
        if fact.version < highest:
            self._counter.labels(KINDS[str(fact.__struct_config__.tag)].topic).inc()
        self._highest[thing] = max(highest, fact.version)
