"""Faults that a worker commits against itself, at an exact point of its work.

The ports that a worker is composed of (stores, outbox, the consumer's commit) are wrapped; what
the worker is made of otherwise is the product. Nothing here runs in the tests' own process.
"""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

import msgspec

from services.graph.edge import EdgeMutation
from services.posts.post import PostMutation
from services.relations.mutation import RelationMutation
from services.stores import Stores
from streams.outbox import Outbox, Outgoing

Point = Literal[
    "before-write",
    "after-write",
    "between-requests",
    "after-requests",
    "between-groups",
    "before-commit",
    "after-commit",
]
"""Before a store write; after it was durable, before its answer is used; between two page
requests of one fan-out; after requests were appended, before the offset that asked for them is
committed; between two groups of entries of one batch of pages; before a commit is sent; after the
broker has it, before the worker knows."""

WRITES = {
    "posts": ("record", "hint_ancestors"),
    "graph": ("record",),
    "relations": ("record",),
    "author_timelines": ("add_author_entries",),
    "home_timelines": ("add_home_entries",),
    "conversations": ("link", "add_orphans"),
    "tags": ("add", "forget"),
    "words": ("add", "forget"),
    "pulled": ("flag",),
    "activity": ("raise_numbers",),
    "reposts": ("link", "mark_requested", "add_author_reposts", "add_home_reposts"),
    "quotes": ("add_quotes",),
    "erasures": (),
    "mentions": ("add", "add_answers"),
    "audiences": ("change",),
    "inboxes": ("add_posts", "raise_stage", "add_members", "add_entries"),
}
"""What of each store writes."""


class Plan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is to happen to a worker, and in what it differs from `mingle worker`."""

    journal: str
    """A file that gets a line for whatever the worker did to itself."""
    point: Point | None = None
    at: int = 1
    """The how-manieth passage of the point kills."""
    freezes_before: tuple[int, ...] = ()
    """SIGSTOP when the writes that carry all of these versions are about to begin."""
    acks_unhandled: bool = False
    """Broken on purpose: messages count as handled when they arrive, and no write returns."""
    clock_ms: int = 0
    """By so much the process's clock is wrong."""
    rejects: tuple[int, ...] = ()
    """Broken on purpose: what carries one of these versions can never be written."""
    clock_is_version: bool = False
    """Broken on purpose: edges and edits are written with the time of writing."""
    session_seconds: float | None = None
    heartbeat_seconds: float | None = None
    metadata_seconds: float | None = None
    followers_a_page: int | None = None
    entries_at_once: int | None = None
    """Bounds made small, so that a village has fan-outs of several pages and groups."""
    pages_at_once: int | None = None
    """So many pages are a batch, and one batch of them is in flight at a time."""
    slow_until: str | None = None
    """While this file is not there, entries take `entries_a_second`."""
    entries_a_second: int = 0


class Journal:
    """What a worker did, line by line; it outlives the worker."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, what: str, **facts: Any) -> None:
        line = msgspec.json.encode({"what": what, "pid": os.getpid(), **facts}) + b"\n"
        with self._path.open("ab", buffering=0) as file:
            file.write(line)

    def read(self, what: str) -> list[dict[str, Any]]:
        """The lines of one kind, in their order."""
        lines = self._path.read_bytes().splitlines() if self._path.exists() else []
        return [each for each in map(msgspec.json.decode, lines) if each["what"] == what]


class Faults:
    """Wraps the ports of one worker, and kills or freezes it as planned."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.journal = Journal(Path(plan.journal))
        self._passed: Counter[Point] = Counter()
        self._pending: set[int] = set()
        self._freezing = False
        self._frozen = asyncio.Event()

    def passes(self, point: Point) -> None:
        """The worker is at this point now; it may be its last one."""
        self._passed[point] += 1
        if point == self.plan.point and self._passed[point] == self.plan.at:
            self.journal.write("killed", point=point, at=self.plan.at)
            os.kill(os.getpid(), signal.SIGKILL)

    def stores(self, stores: Stores) -> Stores:
        wrapped = {
            name: Wrapped(store, {each: self._write(name, each) for each in WRITES[name]})
            for name, store in zip(stores._fields, stores, strict=True)
        }
        cast("Any", wrapped["graph"]).replace(followers=self._followers)
        return Stores(**cast("Mapping[str, Any]", wrapped))

    def outbox(self, outbox: Outbox) -> Outbox:
        return FaultyOutbox(outbox, self)

    def _write(self, store: str, name: str) -> "Around":
        async def around(write: Callable[..., Awaitable[None]], *given: Any) -> None:
            if self.plan.acks_unhandled:
                await asyncio.Event().wait()
            versions = _versions(given[0])
            if versions & set(self.plan.rejects):
                raise ValueError("rejected")
            await self._freeze_before(versions)
            if name == "add_home_entries":
                await self._entries(sum(block.entries for block in given[0]))
            if self.plan.clock_is_version and name == "record":
                await self._leave_newer(versions)
                given = (dated_now(given[0]),)
            self.passes("before-write")
            await write(*given)
            self.passes("after-write")
            for version in versions & set(self.plan.freezes_before):
                self.journal.write("wrote", version=version)

        return around

    async def _followers(self, read: Callable[..., Awaitable[Any]], ranges: Sequence[Any]) -> Any:
        self.journal.write("pages", pages=len(ranges))
        return await read(ranges)

    async def _entries(self, count: int) -> None:
        if self._is_slow():
            await asyncio.sleep(count / self.plan.entries_a_second)

    def _is_slow(self) -> bool:
        return self.plan.slow_until is not None and not Path(self.plan.slow_until).exists()

    async def _leave_newer(self, versions: set[int]) -> None:
        """A thawed worker may still receive what came while it was frozen.

        Were it to write that too, with a yet later time, it would hide what it did wrong: that is
        for its successor, and the batch is abandoned when the group takes the partition away.
        """
        if self._frozen.is_set() and not versions & set(self.plan.freezes_before):
            await asyncio.Event().wait()

    async def _freeze_before(self, versions: set[int]) -> None:
        """Writes of the planned versions wait for each other; the last one freezes the worker."""
        planned = set(self.plan.freezes_before)
        if not versions & planned or self._frozen.is_set():
            return
        self._pending |= versions & planned
        if self._freezing or self._pending < planned:
            await self._frozen.wait()
            return
        self._freezing = True
        self.journal.write("frozen", versions=sorted(planned))
        os.kill(os.getpid(), signal.SIGSTOP)
        self.journal.write("thawed")
        await asyncio.sleep(0)  # uvloop looks at the clock once a turn: writes begin their time now
        self._frozen.set()


Around = Callable[..., Awaitable[Any]]
"""Called with a method and its arguments, in its place."""


class Wrapped:
    """A store, some of its methods called by way of others."""

    def __init__(self, store: Any, around: Mapping[str, Around]) -> None:
        self._store = store
        self._around = dict(around)

    def replace(self, **around: Around) -> None:
        self._around |= around

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        if name not in self._around:
            return method
        around = self._around[name]

        async def call(*given: Any) -> Any:
            return await around(method, *given)

        return call


class FaultyOutbox:
    """An outbox that may die in the middle of a fan-out's page requests, or behind them."""

    def __init__(self, outbox: Outbox, faults: Faults) -> None:
        self._outbox = outbox
        self._faults = faults

    async def send(self, messages: Sequence[Outgoing]) -> None:
        cut = _within_a_fan_out(messages)
        if cut:
            await self._outbox.send(messages[:cut])
            self._faults.passes("between-requests")
            await self._outbox.send(messages[cut:])
        else:
            await self._outbox.send(messages)
        self._faults.passes("after-requests")


def _within_a_fan_out(messages: Sequence[Outgoing]) -> int:
    """A place between two pages of one post; 0 where there is none."""
    posts = [_post_of(each) for each in messages]
    places = (at for at in range(1, len(posts)) if posts[at] and posts[at] == posts[at - 1])
    return next(places, 0)


def _post_of(message: Outgoing) -> int | None:
    if message.topic != "fanout-pages" or message.value is None:
        return None
    return int(msgspec.json.decode(message.value)["post_id"])


def _versions(given: Any) -> set[int]:
    """The versions that a call writes."""
    if not isinstance(given, Sequence):
        return set()
    written = PostMutation | EdgeMutation | RelationMutation
    return {each.version for each in given if isinstance(each, written)}


def dated_now(mutations: Sequence[Any]) -> list[Any]:
    """What a writer would write that trusts its clock: edges and edits, not creations."""
    now = time.time_ns() // 1_000
    return [
        each if isinstance(each, PostMutation) and each.created else each._replace(version=now)
        for each in mutations
    ]
