"""Port: the erasures of accounts that are asked for, how far each is, and which are done.

That an account is erased is a fact of `services.relations.store`; here is the work that follows.
"""

from collections.abc import Collection
from typing import NamedTuple, Protocol, TypeAlias

from schemas.ids import UserId

StepPlace: TypeAlias = tuple[int | str, ...]
"""Where a step of an erasure goes on: its own."""


class Erasure(NamedTuple):
    """Whose account is to be erased, and when Kafka accepted that (milliseconds, at least 1)."""

    user_id: UserId
    asked_at: int


class ErasureProgress(NamedTuple):
    """The step to go on with, and where in it; None is its beginning."""

    step: int = 0
    place: StepPlace | None = None


class Hold(NamedTuple):
    """The worker that works on an erasure, and until when it may (milliseconds).

    Two workers that hold one only do the work twice.
    """

    holder: str = ""
    until: int = 0


class PendingErasure(NamedTuple):
    """An erasure that is not done."""

    erasure: Erasure
    progress: ErasureProgress = ErasureProgress()
    hold: Hold = Hold()


class ErasureState(NamedTuple):
    """When an account's erasure was last asked for, and which request is done; 0 for none."""

    asked_at: int = 0
    done: int = 0

    @property
    def is_done(self) -> bool:
        """Whether an erasure was asked for, and every request is done."""
        return 0 < self.asked_at <= self.done


class ErasureStore(Protocol):
    """A list of work. Every method raises StoreUnavailable; writes are durable on return."""

    async def ask(self, erasures: Collection[Erasure]) -> None:
        """List erasures, once their facts are recorded. Asking again changes nothing.

        One that is done may be listed again, which `state` tells.
        """

    async def pending(self, limit: int) -> list[PendingErasure]:
        """Return up to `limit` erasures that are listed; those of lower users first."""

    async def save(self, erasure: Erasure, progress: ErasureProgress, hold: Hold) -> None:
        """Store progress and hold, unless a hold that lasts longer is stored."""

    async def finish(self, erasure: Erasure) -> None:
        """Store that the erasure is done, then take it off the list."""

    async def state(self, user: UserId) -> ErasureState:
        """Return what is known of a user's erasure."""
