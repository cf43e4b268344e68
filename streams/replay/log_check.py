"""Checks what is shown against the log: handles the log once more, in memory, and compares."""

import asyncio
from collections.abc import AsyncIterable, Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from schemas.codec import KINDS
from schemas.ids import PostId, UserId
from services.handlers.handler import Accepted, Handler
from services.readers.home import Home
from services.readers.item import Item, ThreadItem
from services.readers.paging import PageRequest
from services.readers.reader import Reader
from services.readers.thread import Threads
from services.retention import Retention

MOST_EVENTS: Final = 500_000
"""In a log that fits in memory: some 2 GB. For a longer one `mingle verify` compares the store with
itself."""
READS_AT_ONCE: Final = 16
PAGE: Final = 100
MOST_PAGES: Final = 100
"""Per home: nobody reads further down."""

ShownRows: TypeAlias = Mapping[int, object]
"""Items of a listing, by post."""


class ListingDifference(NamedTuple):
    """How one listing differs from the log."""

    listing: str
    of: int
    missing: tuple[int, ...]
    extra: tuple[int, ...]
    altered: tuple[int, ...]

    def __str__(self) -> str:
        parts = (
            f"{len(posts):,} {what} ({', '.join(map(str, posts[:3]))})"
            for what, posts in zip(("missing", "extra", "altered"), self[2:], strict=True)
            if posts
        )
        return f"{self.listing} {self.of}: {'; '.join(parts)}"


class Side(NamedTuple):
    """Readers on one set of stores."""

    home: Home
    threads: Threads

    @classmethod
    def on(cls, reader: Reader, retention: Retention) -> "Side":
        return cls(Home(reader, retention), Threads(reader))

    async def shown_to(self, user: int) -> ShownRows:
        """Return a home, by post. Raises StoreUnavailable."""
        items: list[Item] = []
        before = None
        for _ in range(MOST_PAGES):
            page = await self.home.page(UserId(user), PageRequest(limit=PAGE, before=before))
            items += page.items
            before = page.older
            if before is None:
                break
        return {item.post_id: msgspec.to_builtins(item) for item in items}

    async def thread_of(self, post: int) -> ShownRows:
        """Return a thread, by post, as anonymous viewers see it. Raises StoreUnavailable."""
        found: Sequence[ThreadItem] = await self.threads.read(PostId(post), None) or ()
        return {each.post_id: (place, each) for place, each in enumerate(found)}


async def handle_log(
    batches: AsyncIterable[Sequence[Any]], handlers: Mapping[str, Handler[Any]]
) -> set[int]:
    """Handle the log, in any order. Return all users in it. Raises ValueError if it is too long."""
    people: set[int] = set()
    events = 0
    async for some in batches:
        events += len(some)
        if events > MOST_EVENTS:
            raise ValueError(f"the log has more than {MOST_EVENTS:,} events")
        topics: dict[str, list[Accepted[Any]]] = {}
        for message in some:
            topic = KINDS[str(type(message).__struct_config__.tag)].topic
            topics.setdefault(topic, []).append(Accepted(message, 0))
            for name in ("author_id", "follower_id", "owner_id"):
                if (person := getattr(message, name, None)) is not None:
                    people.add(person)
        for topic, batch in topics.items():
            await handlers[topic](batch)
    return people


async def find_differences(
    log: Side, store: Side, users: Collection[int], threads: Collection[int]
) -> list[ListingDifference]:
    """Return how these homes and threads differ. Raises StoreUnavailable."""
    gate = asyncio.Semaphore(READS_AT_ONCE)

    async def home(user: int) -> ListingDifference | None:
        async with gate:
            return _compared("home", user, await log.shown_to(user), await store.shown_to(user))

    async def thread(post: int) -> ListingDifference | None:
        async with gate:
            return _compared("thread", post, await log.thread_of(post), await store.thread_of(post))

    found = await asyncio.gather(*map(home, users), *map(thread, threads))
    return [each for each in found if each is not None]


def _compared(
    listing: str, of: int, expected: ShownRows, found: ShownRows
) -> ListingDifference | None:
    missing = tuple(sorted(expected.keys() - found.keys()))
    extra = tuple(sorted(found.keys() - expected.keys()))
    same = expected.keys() & found.keys()
    altered = tuple(sorted(each for each in same if expected[each] != found[each]))
    if missing or extra:
        altered = ()  # their neighbours differ as a consequence
    return (
        ListingDifference(listing, of, missing, extra, altered)
        if missing or extra or altered
        else None
    )
