"""Keeps writers from writing what an erased account says, in whatever order messages come.

A writer writes first and then reads which accounts are erased; an erasure stores its fact first and
then reads what there is to erase. So of the two at least one sees the other. Accounts that were
found erased before are read first as well, so that a replay of old messages writes nothing of them.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol, TypeVar

from schemas.events import FollowFact, PostFact
from schemas.ids import UserId
from schemas.relations import AccountErased, BlockFact, RelationFact
from services.handlers.handler import Accepted
from services.latest import Latest
from services.relations.store import RelationStore

AnyFact = TypeVar("AnyFact", bound=PostFact | FollowFact | RelationFact)

MAX_LIVING = 100_000
"""Accounts that were not erased when they were last read, some 10 MB; others are read again."""


class FactHandler(Protocol[AnyFact]):
    """A handler of facts, some of which are of erased accounts."""

    async def __call__(self, batch: Sequence[Accepted[AnyFact]]) -> None:
        """Handle facts, as `services.handlers.handler.Handler`."""

    async def erase(self, batch: Sequence[Accepted[AnyFact]]) -> None:
        """Erase what handling these facts writes, but for ids that keep threads together.

        They may have been handled, wholly or in part, or not. Durable on return.
        """


class ErasedAccounts:
    """Divides facts by whether they are of erased accounts."""

    def __init__(self, relations: RelationStore) -> None:
        self._relations = relations
        self._living: Latest[UserId, None] = Latest(MAX_LIVING)

    def wrap(
        self, handler: FactHandler[AnyFact]
    ) -> Callable[[Sequence[Accepted[AnyFact]]], Awaitable[None]]:
        """Return the handler for facts of everybody: those of erased accounts are erased."""

        async def guarded(batch: Sequence[Accepted[AnyFact]]) -> None:
            unknown = {each for each in _people(batch) if each not in self._living}
            living, erased = _divided(batch, await self._read(unknown))
            if living:
                await handler(living)
                erased += _divided(living, await self._read(_people(living)))[1]
            if erased:
                await handler.erase(erased)

        return guarded

    async def _read(self, people: set[UserId]) -> set[UserId]:
        erased = await self._relations.erased(people) if people else set()
        for each in erased:
            self._living.pop(each, None)
        for each in people - erased:
            self._living[each] = None
        return erased


def erased_with(fact: PostFact | FollowFact | RelationFact) -> tuple[UserId, ...]:
    """Return whose erasure takes a fact with it.

    Others' mutes and lists are their own: what they hold of somebody is an id. An erasure itself
    stays.
    """
    if isinstance(fact, PostFact):
        return (UserId(fact.author_id),)
    if isinstance(fact, FollowFact):
        return UserId(fact.follower_id), UserId(fact.followee_id)
    if isinstance(fact, BlockFact):
        return UserId(fact.owner_id), UserId(fact.target_id)
    return () if isinstance(fact, AccountErased) else (UserId(fact.owner_id),)


def _people(batch: Iterable[Accepted[AnyFact]]) -> set[UserId]:
    return {person for each in batch for person in erased_with(each.message)}


def _divided(
    batch: Sequence[Accepted[AnyFact]], erased: set[UserId]
) -> tuple[list[Accepted[AnyFact]], list[Accepted[AnyFact]]]:
    """Divide a batch into facts of living accounts and of erased ones."""
    if not erased:
        return list(batch), []
    gone = [not erased.isdisjoint(erased_with(each.message)) for each in batch]
    return (
        [each for each, is_gone in zip(batch, gone, strict=True) if not is_gone],
        [each for each, is_gone in zip(batch, gone, strict=True) if is_gone],
    )
