"""What the phases of a run work with: the programs, the servers, and whoever looks at them."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, Protocol

import httpx
import numpy as np

from loadtest.expected import Entries
from loadtest.graph import FollowerLists, Graph
from loadtest.kafka import KafkaTopics, Sender, is_drained, topics_by_role
from loadtest.machine import busy_seconds, listening_pid, usage
from loadtest.observer import HomeReader, Observer
from loadtest.processes import Programs
from loadtest.references import References
from loadtest.sampler import Sampler
from loadtest.store import RunStore, to_entries
from services.settings.settings import Settings

READY_SECONDS = 120.0
"""For a worker to get partitions: a member of an earlier run keeps them for half a minute."""
READY_POLL = 0.2
DRAIN_SECONDS = 1_800.0
"""For what was published to be handled: an outage of ten minutes takes some of them."""
DRAIN_POLL = 0.5


class ProgressSink(Protocol):
    """Who is told how far a run is."""

    def step(self, what: str, total: float | None = None) -> None:
        """A new step begins."""

    def advance(self, by: float = 1) -> None:
        """So much of the step is done."""


class RunTimedOut(RuntimeError):
    """A program did not become ready, or what was published was not handled, in time."""


class SentEvents:
    """What was published: what homes must hold follows from it."""

    def __init__(self, people: Graph) -> None:
        self._people = people
        self._ended = np.zeros(len(people.followees), bool)
        self._added: list[tuple[int, int]] = []
        self.authors: list[int] = []
        self.posts: list[int] = []
        self.has_replies = False
        self.lists: FollowerLists = people.lists()
        """Followers of each author whose edge stands from the beginning to the end."""

    def wrote(self, author: int, post: int) -> None:
        self.authors.append(author)
        self.posts.append(post)

    def follows(self, followee: int, follower: int) -> None:
        """A new edge: a backfill brings what the followee wrote before."""
        self._added.append((followee, follower))

    def end_edges(self, count: int, random: np.random.Generator) -> list[tuple[int, int]]:
        """Chooses edges that will end: (followee, follower). Readers keep theirs."""
        people = self._people
        free = np.flatnonzero(~self._ended & ~np.isin(people.followers, people.readers))
        chosen = random.choice(free, min(count, len(free)), replace=False)
        self._ended[chosen] = True
        self.lists = FollowerLists(people.followees[~self._ended], people.followers[~self._ended])
        followees, followers = people.followees[chosen], people.followers[chosen]
        return list(zip(followees.tolist(), followers.tolist(), strict=True))

    def written(self) -> Entries:
        """Pairs of an author and a post of his."""
        return to_entries(self.authors, self.posts)

    def edges(self) -> FollowerLists:
        """Whose followers are owed everything."""
        added = np.array(self._added, np.int64).reshape(len(self._added), 2)
        return FollowerLists(
            np.concatenate([self.lists.followees, added[:, 0]]),
            np.concatenate([self.lists.followers, added[:, 1]]),
        )

    def ended(self) -> FollowerLists:
        """Who may have entries or not."""
        return FollowerLists(
            self._people.followees[self._ended], self._people.followers[self._ended]
        )


class Bench(NamedTuple):
    """Everything that runs, and how long it has."""

    settings: Settings
    programs: Programs
    log: KafkaTopics
    sender: Sender
    store: RunStore
    people: Graph
    references: References
    sampler: Sampler
    observer: Observer
    reader: HomeReader | None
    began: float
    random: np.random.Generator

    def elapsed(self) -> float:
        """Seconds of the run."""
        return time.monotonic() - self.began

    async def start_workers(self, count: int) -> None:
        """So many workers of each role, and no more; returns when they are ready."""
        wanted = {
            f"load-{number}-{role}": role for number in range(count) for role in topics_by_role()
        }
        running = self.programs.running("load-")
        self.stop_workers([each.name for each in running if each.name not in wanted])
        known = {each.name for each in running}
        for name, role in wanted.items():
            if name not in known:
                self.programs.start(
                    name, "worker", "--role", role, port_setting="MINGLE_METRICS_PORT"
                )
        for each in self.programs.running("load-"):
            await wait_until_ready(each.url, "/readyz", each.require)

    def stop_workers(self, names: list[str] | None = None) -> None:
        """These, or all."""
        running = self.programs.running("load-")
        self.programs.stop([each for each in running if names is None or each.name in names])

    def require(self) -> None:
        """Raises ProgramFailed where a program has ended."""
        for each in self.programs.running():
            each.require()

    async def drained(self) -> None:
        """Returns when everything published is handled. Raises NotDone."""
        deadline = time.monotonic() + DRAIN_SECONDS
        while not await asyncio.to_thread(is_drained, self.log):
            self.require()
            if time.monotonic() > deadline:
                raise RunTimedOut(f"messages still wait after {DRAIN_SECONDS:g} s")
            await asyncio.sleep(DRAIN_POLL)

    def cpu(self) -> dict[str, float | None]:
        """CPU seconds so far, by kind of process; None of servers that are on another machine.

        Of the workers together, and of each role. `elsewhere` is what all else on this machine
        took: beside much of it other figures are worth less.
        """
        settings = self.settings
        pids: dict[str, list[int | None]] = {
            "worker": [each.process.pid for each in self.programs.running("load-")],
            "kafka": [listening_pid(int(settings.kafka_bootstrap.rpartition(":")[2]))],
            "cassandra": [listening_pid(settings.cassandra_port)],
            "api": [each.process.pid for each in self.programs.running("api")],
        }
        used = {name: usage(*some) for name, some in pids.items()}
        found: dict[str, float | None] = {
            name: each and each.cpu_seconds for name, each in used.items()
        }
        found["load"] = time.process_time()
        busy = busy_seconds()
        ours = sum(each for each in found.values() if each is not None)
        found["elsewhere"] = None if busy is None else busy - ours
        for role in topics_by_role():
            mine = [each for each in self.programs.running("load-") if each.name.endswith(role)]
            used_by = usage(*(each.process.pid for each in mine))
            found[f"worker {role}"] = used_by and used_by.cpu_seconds
        return found


def cpu_seconds_between(
    before: dict[str, float | None], after: dict[str, float | None]
) -> dict[str, float | None]:
    """CPU seconds between two looks."""
    return {
        name: None if now is None or before[name] is None else now - (before[name] or 0.0)
        for name, now in after.items()
    }


async def wait_until_ready(url: str, path: str, require: Callable[[], None]) -> None:
    """Returns when the program says that it is. Raises NotDone, or ProgramFailed."""
    deadline = time.monotonic() + READY_SECONDS
    async with httpx.AsyncClient(timeout=READY_POLL * 10) as client:
        while time.monotonic() < deadline:
            require()
            with suppress(httpx.HTTPError):
                if (await client.get(f"{url}{path}")).is_success:
                    return
            await asyncio.sleep(READY_POLL)
    raise RunTimedOut(f"{url}{path} does not answer with success in {READY_SECONDS:g} s")
