"""The open phase: sends at intended times without waiting for anything, also through outages."""

import asyncio
import heapq
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

from loadtest.bench import Bench, SentEvents
from loadtest.report import Outage
from loadtest.scenario import Open
from loadtest.traffic import Writer, arrival_times, posting_order
from services.clock import now_ms

SETTLE_SECONDS = 120.0
"""For the last watched entries, after everything was handled."""
CAUGHT_UP_SECONDS = 2.0
"""Worth of posts that may be uncommitted: a worker that keeps up commits once a second."""
CAUGHT_UP_POLL = 0.25
Send: TypeAlias = Callable[[float], None]
"""Sends a message, given the intended time in seconds of the run."""


class ScheduledSend(NamedTuple):
    """A message to send, in seconds of the phase."""

    at: float
    send: Send


class OpenLoop:
    """Sends the messages of a phase, each at its time."""

    def __init__(self, bench: Bench, sent: SentEvents, writer: Writer, workers: int) -> None:
        self._bench = bench
        self._sent = sent
        self._writer = writer
        self._workers = workers
        self._thread: list[int] = []
        self._posts = 0
        self.lateness_seconds: list[float] = []
        """How much later than intended each post was sent."""

    async def run(self, phase: Open, per_second: float) -> Outage | None:
        """Send all messages; return when they are handled."""
        bench = self._bench
        began = bench.elapsed()
        outage = asyncio.create_task(self._outage(phase, per_second))
        try:
            for at, send in heapq.merge(
                *self._schedules(phase, per_second), key=lambda each: each.at
            ):
                await self._sleep_until(began + at)
                send(began + at)
                bench.sender.poll()
            await outage
        finally:
            outage.cancel()
        await asyncio.to_thread(bench.sender.flush)
        await bench.wait_until_drained()
        await bench.observer.finish(SETTLE_SECONDS)
        return outage.result()

    def _schedules(self, phase: Open, per_second: float) -> Iterator[list[ScheduledSend]]:
        random = self._bench.random
        times = arrival_times(random, per_second, phase.seconds)
        authors = posting_order(self._bench.graph.groups[phase.of], len(times), random)
        create = self._reply if phase.replies else self._post
        yield [
            ScheduledSend(at, create(phase.of, who)) for at, who in zip(times, authors, strict=True)
        ]
        if phase.beside:
            count = phase.beside.posts
            others = posting_order(self._bench.graph.groups[phase.beside.of], count, random)
            gap = phase.seconds / (count + 1)
            yield [
                ScheduledSend(gap * (number + 1), self._post(phase.beside.of, who))
                for number, who in enumerate(others)
            ]
        if phase.follows_per_second:
            times = arrival_times(random, phase.follows_per_second, phase.seconds)
            ends = self._sent.end_edges(len(times) // 2, random)
            begins = self._new_edges(len(times) - len(ends), phase.of)
            changes = [
                send
                for begin, end in zip(begins, ends, strict=False)
                for send in (self._follow(begin), self._unfollow(end))
            ]
            yield list(map(ScheduledSend, times, changes))

    def _post(self, group: str, author: int) -> Send:
        def send(intended: float) -> None:
            post = self._writer.post(author, now_ms())
            self._bench.sender.send(post)
            self._record(group, author, post.post_id, intended)

        return send

    def _reply(self, group: str, author: int) -> Send:
        def send(intended: float) -> None:
            if not self._thread:
                self._sent.has_replies = True
                return self._post(group, author)(intended)
            reply = self._writer.reply(author, now_ms(), self._thread)
            self._bench.sender.send(reply)
            return self._record(group, author, reply.post_id, intended)

        return send

    def _record(self, group: str, author: int, post: int, intended: float) -> None:
        self._posts += 1
        self._thread.append(post)
        self._sent.add_post(author, post)
        self.lateness_seconds.append(self._bench.elapsed() - intended)
        if self._bench.observer.should_watch(intended):
            self._bench.observer.watch(group, post, self._sent.lists.of(author), intended)

    def _new_edges(self, count: int, group: str) -> list[tuple[int, int]]:
        """Return (followee, follower) pairs of users who do not follow the author yet."""
        bench = self._bench
        graph, lists = bench.graph, bench.graph.lists()
        followees = bench.random.choice(graph.groups[group], count).tolist()
        followers = bench.random.choice(graph.users, count).tolist()
        readers = set(graph.readers.tolist())
        return [
            (followee, follower)
            for followee, follower in dict.fromkeys(zip(followees, followers, strict=True))
            if follower not in readers and follower not in lists.of(followee)
        ]

    def _follow(self, edge: tuple[int, int]) -> Send:
        def send(_: float) -> None:
            self._sent.add_follow(*edge)
            self._bench.sender.send(self._writer.follow(edge[1], edge[0], now_ms()))

        return send

    def _unfollow(self, edge: tuple[int, int]) -> Send:
        def send(_: float) -> None:
            self._bench.sender.send(self._writer.unfollow(edge[1], edge[0], now_ms()))

        return send

    async def _sleep_until(self, at: float) -> None:
        """Sleep until a second of the run; give other tasks a turn even when it has passed."""
        await asyncio.sleep(max(0.0, at - self._bench.elapsed()))

    async def _outage(self, phase: Open, per_second: float) -> Outage | None:
        """Stop the workers, start them again, and measure how long they take to catch up."""
        if not phase.away_seconds:
            return None
        bench = self._bench
        await asyncio.sleep(phase.seconds / 4)
        handled = self._posts
        await asyncio.to_thread(bench.stop_workers)
        stopped = bench.elapsed()
        await asyncio.sleep(phase.away_seconds)
        began, waiting = bench.elapsed(), self._posts - handled
        await bench.start_workers(self._workers)
        await self._wait_until_caught_up(per_second)
        seconds, drained = bench.elapsed() - began, self._posts - handled
        return Outage(
            away_seconds=began - stopped,
            posts_waiting=waiting,
            drain_seconds=seconds,
            drained_posts_per_second=drained / seconds,
            ratio_to_live_rate=drained / seconds / per_second,
        )

    async def _wait_until_caught_up(self, per_second: float) -> None:
        """Return when no more is uncommitted than with a worker that keeps up."""
        few = CAUGHT_UP_SECONDS * 2 * per_second  # of posts, and of their pages
        while await asyncio.to_thread(self._bench.kafka.uncommitted) > few:
            self._bench.check_programs()
            await asyncio.sleep(CAUGHT_UP_POLL)
