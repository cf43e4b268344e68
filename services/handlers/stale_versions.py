"""Versions that go back: a producer's clock or sequence is wrong, though nothing is lost."""

from collections.abc import Sequence
from typing import TypeVar

from prometheus_client import Counter

from schemas.codec import KINDS
from schemas.events import FollowFact, PostFact, QuoteDetached
from schemas.relations import RelationFact
from services.handlers.handler import Accepted, Handler
from services.latest import Latest
from services.relations.mutation import subject

VersionedFact = TypeVar("VersionedFact", bound=PostFact | FollowFact | RelationFact)

MAX_SUBJECTS = 100_000
"""Posts, edges and other subjects whose highest version is remembered, some 20 MB."""


class StaleVersions:
    """Counts facts whose version is lower than an earlier one of the same subject.

    All facts about a subject share a key, hence a partition and, between rebalances, a process.
    """

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._highest: Latest[object, int] = Latest(MAX_SUBJECTS)

    def wrap(self, handle: Handler[VersionedFact]) -> Handler[VersionedFact]:
        """Return the handler with counting added: it counts what the handler has handled."""

        async def counted(batch: Sequence[Accepted[VersionedFact]]) -> int | None:
            done = await handle(batch)
            for each in batch[:done]:
                self._count(each.message)
            return done

        return counted

    def _count(self, fact: PostFact | FollowFact | RelationFact) -> None:
        about = _about(fact)
        highest = self._highest.get(about, fact.version)
        if fact.version < highest:
            self._counter.labels(KINDS[str(fact.__struct_config__.tag)].topic).inc()
        self._highest[about] = max(highest, fact.version)


def _about(fact: PostFact | FollowFact | RelationFact) -> object:
    if isinstance(fact, QuoteDetached):
        return "detached", fact.post_id, fact.author_id
    return fact.post_id if isinstance(fact, PostFact) else subject(fact)
