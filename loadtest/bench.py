"""Shared parts of the phases of a run: programs, servers, observers, and what was sent."""

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple, Protocol

import httpx
import numpy as np

from loadtest.expected import Entries
from loadtest.graph import FollowerLists, Graph
from loadtest.kafka import KafkaTopics, Sender, is_drained, topics_by_role
from loadtest.machine import busy_seconds, listening_pid, usage
from loadtest.observer import HomeReader, Observer
from loadtest.processes import Program, Programs
from loadtest.references import References
from loadtest.sampler import Sampler
from loadtest.store import RunStore, to_entries
from services.settings.settings import Settings

READY_SECONDS = 120.0
"""Limit for a worker to get partitions: a member of an earlier run keeps them for 30 s."""
READY_POLL = 0.2
DRAIN_SECONDS = 1_800.0
"""Limit for handling everything published: after a long outage it takes minutes."""
DRAIN_POLL = 0.5


class ProgressSink(Protocol):
    """Receives the progress of a run."""

    def step(self, what: str, total: float | None = None) -> None:
        """Begin a step."""

    def advance(self, by: float = 1) -> None:
        """Record that this much more of the step is done."""


class RunTimedOut(RuntimeError):
    """A program was not ready, or messages were not handled, in time."""


class SentEvents:
    """Records what was published, from which follows what homes must hold."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._ended = np.zeros(len(graph.followees), bool)
        self._added: list[tuple[int, int]] = []
        self.authors: list[int] = []
        self.posts: list[int] = []
        self.has_replies = False
        self.lists: FollowerLists = graph.lists()
        """Followers of each author throughout the run."""

    def add_post(self, author: int, post: int) -> None:
        self.authors.append(author)
        self.posts.append(post)

    def add_follow(self, followee: int, follower: int) -> None:
        """Record a new edge: a backfill delivers what the followee posted before."""
        self._added.append((followee, follower))

    def end_edges(self, count: int, random: np.random.Generator) -> list[tuple[int, int]]:
        """Choose edges that will end, as (followee, follower). Readers keep theirs."""
        graph = self._graph
        free = np.flatnonzero(~self._ended & ~np.isin(graph.followers, graph.readers))
        chosen = random.choice(free, min(count, len(free)), replace=False)
        self._ended[chosen] = True
        self.lists = FollowerLists(graph.followees[~self._ended], graph.followers[~self._ended])
        followees, followers = graph.followees[chosen], graph.followers[chosen]
        return list(zip(followees.tolist(), followers.tolist(), strict=True))

    def author_posts(self) -> Entries:
        """Return pairs of an author and a post of theirs."""
        return to_entries(self.authors, self.posts)

    def current_edges(self) -> FollowerLists:
        """Return the edges whose followers must get all posts."""
        added = np.array(self._added, np.int64).reshape(len(self._added), 2)
        return FollowerLists(
            np.concatenate([self.lists.followees, added[:, 0]]),
            np.concatenate([self.lists.followers, added[:, 1]]),
        )

    def ended_edges(self) -> FollowerLists:
        """Return the edges whose followers may have entries or not."""
        graph = self._graph
        return FollowerLists(graph.followees[self._ended], graph.followers[self._ended])


class Bench(NamedTuple):
    """Everything that runs, and for how long it has."""

    settings: Settings
    programs: Programs
    kafka: KafkaTopics
    sender: Sender
    store: RunStore
    graph: Graph
    references: References
    sampler: Sampler
    observer: Observer
    reader: HomeReader | None
    began: float
    random: np.random.Generator

    def elapsed(self) -> float:
        """Return the seconds since the run began."""
        return time.monotonic() - self.began

    async def start_workers(self, count: int) -> None:
        """Run exactly this many workers of each role; return when they are ready."""
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
            await wait_until_ready(each)

    def stop_workers(self, names: list[str] | None = None) -> None:
        """Stop these workers, or all."""
        running = self.programs.running("load-")
        self.programs.stop([each for each in running if names is None or each.name in names])

    def check_programs(self) -> None:
        """Raise ProgramFailed if a program has ended."""
        for each in self.programs.running():
            each.check_running()

    async def wait_until_drained(self) -> None:
        """Return when everything published is handled. Raises RunTimedOut."""
        deadline = time.monotonic() + DRAIN_SECONDS
        while not await asyncio.to_thread(is_drained, self.kafka):
            self.check_programs()
            if time.monotonic() > deadline:
                raise RunTimedOut(f"some messages are still not handled after {DRAIN_SECONDS:g} s")
            await asyncio.sleep(DRAIN_POLL)

    def cpu_seconds(self) -> dict[str, float | None]:
        """Return CPU seconds so far by kind of process; None for servers on another machine.

        Workers are counted together and by role. `elsewhere` is what all other processes of this
        machine used: the more there is, the less the other figures are worth.
        """
        settings = self.settings
        pids: dict[str, list[int | None]] = {
            "worker": [each.process.pid for each in self.programs.running("load-")],
            "kafka": [listening_pid(int(settings.kafka_bootstrap.rpartition(":")[2]))],
            "cassandra": [listening_pid(settings.cassandra_port)],
            "api": [each.process.pid for each in self.programs.running("api")],
        }
        seconds = {name: _cpu_seconds(each) for name, each in pids.items()}
        seconds["load"] = time.process_time()
        busy = busy_seconds()
        ours = sum(each for each in seconds.values() if each is not None)
        seconds["elsewhere"] = None if busy is None else busy - ours
        for role in topics_by_role():
            workers = [each for each in self.programs.running("load-") if each.name.endswith(role)]
            seconds[f"worker {role}"] = _cpu_seconds([each.process.pid for each in workers])
        return seconds


def _cpu_seconds(pids: Iterable[int | None]) -> float | None:
    used = usage(*pids)
    return used and used.cpu_seconds


def cpu_seconds_between(
    before: dict[str, float | None], after: dict[str, float | None]
) -> dict[str, float | None]:
    """Return the CPU seconds between two readings of Bench.cpu_seconds."""
    return {
        name: None if now is None or before[name] is None else now - (before[name] or 0.0)
        for name, now in after.items()
    }


async def wait_until_ready(program: Program) -> None:
    """Return when /readyz of the program says so. Raises RunTimedOut or ProgramFailed."""
    url = f"{program.url}/readyz"
    deadline = time.monotonic() + READY_SECONDS
    async with httpx.AsyncClient(timeout=READY_POLL * 10) as client:
        while time.monotonic() < deadline:
            program.check_running()
            with suppress(httpx.HTTPError):
                if (await client.get(url)).is_success:
                    return
            await asyncio.sleep(READY_POLL)
    raise RunTimedOut(f"{url} does not answer with success in {READY_SECONDS:g} s")
