"""The open phase: arrivals that wait for nothing, and what else happens meanwhile."""

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
"""For the last entries that are watched, after everything was handled."""
CAUGHT_UP_SECONDS = 2.0
"""Of arrivals: a worker that keeps up commits what it has handled once a second."""
CAUGHT_UP_POLL = 0.25
Send: TypeAlias = Callable[[float], None]
"""What is done at its time, which it is given in seconds of the run."""


class ScheduledSend(NamedTuple):
    """Something that is to happen, in seconds of the phase."""

    at: float
    deed: Send


class OpenLoop:
    """Sends what a phase asks for, each at its time."""

    def __init__(self, bench: Bench, ledger: SentEvents, writer: Writer, workers: int) -> None:
        self._bench = bench
        self._ledger = ledger
        self._writer = writer
        self._workers = workers
        self._thread: list[int] = []
        self.sent = 0
        self.late: list[float] = []
        """By how much each post was sent later than it was meant to be."""

    async def go(self, phase: Open, per_second: float) -> Outage | None:
        """Returns when everything is handled."""
        bench = self._bench
        began = bench.elapsed()
        away = asyncio.create_task(self._away(phase, per_second))
        try:
            for at, deed in heapq.merge(*self._turns(phase, per_second), key=lambda turn: turn.at):
                await self._until(began + at)
                deed(began + at)
                bench.sender.poll()
            outage = await away
        finally:
            away.cancel()
        await asyncio.to_thread(bench.sender.flush)
        await bench.drained()
        await bench.observer.settle(SETTLE_SECONDS)
        return outage

    def _turns(self, phase: Open, per_second: float) -> Iterator[list[ScheduledSend]]:
        random = self._bench.random
        times = arrival_times(random, per_second, phase.seconds)
        authors = posting_order(self._bench.people.groups[phase.of], len(times), random)
        say = self._reply if phase.replies else self._post
        yield [
            ScheduledSend(at, say(phase.of, who)) for at, who in zip(times, authors, strict=True)
        ]
        if phase.beside:
            count = phase.beside.posts
            others = posting_order(self._bench.people.groups[phase.beside.of], count, random)
            gap = phase.seconds / (count + 1)
            yield [
                ScheduledSend(gap * (number + 1), self._post(phase.beside.of, who))
                for number, who in enumerate(others)
            ]
        if phase.follows_per_second:
            times = arrival_times(random, phase.follows_per_second, phase.seconds)
            ends = self._ledger.end_edges(len(times) // 2, random)
            begins = self._new_edges(len(times) - len(ends), phase.of)
            changes = [
                deed
                for begin, end in zip(begins, ends, strict=False)
                for deed in (self._follow(begin), self._unfollow(end))
            ]
            yield list(map(ScheduledSend, times, changes))

    def _post(self, group: str, author: int) -> Send:
        def deed(intended: float) -> None:
            post = self._writer.post(author, now_ms())
            self._bench.sender.send(post)
            self._wrote(group, author, post.post_id, intended)

        return deed

    def _reply(self, group: str, author: int) -> Send:
        def deed(intended: float) -> None:
            if not self._thread:
                self._ledger.has_replies = True
                return self._post(group, author)(intended)
            reply = self._writer.reply(author, now_ms(), self._thread)
            self._bench.sender.send(reply)
            return self._wrote(group, author, reply.post_id, intended)

        return deed

    def _wrote(self, group: str, author: int, post: int, intended: float) -> None:
        self.sent += 1
        self._thread.append(post)
        self._ledger.wrote(author, post)
        self.late.append(self._bench.elapsed() - intended)
        if self._bench.observer.is_turn(intended):
            self._bench.observer.watch(group, post, self._ledger.lists.of(author), intended)

    def _new_edges(self, count: int, group: str) -> list[tuple[int, int]]:
        """(followee, follower) of users who have not followed him."""
        bench = self._bench
        people, lists = bench.people, bench.people.lists()
        followees = bench.random.choice(people.groups[group], count).tolist()
        followers = bench.random.choice(people.users, count).tolist()
        readers = set(people.readers.tolist())
        return [
            (followee, follower)
            for followee, follower in dict.fromkeys(zip(followees, followers, strict=True))
            if follower not in readers and follower not in lists.of(followee)
        ]

    def _follow(self, edge: tuple[int, int]) -> Send:
        def deed(_: float) -> None:
            self._ledger.follows(*edge)
            self._bench.sender.send(self._writer.follow(edge[1], edge[0], now_ms()))

        return deed

    def _unfollow(self, edge: tuple[int, int]) -> Send:
        def deed(_: float) -> None:
            self._bench.sender.send(self._writer.unfollow(edge[1], edge[0], now_ms()))

        return deed

    async def _until(self, at: float) -> None:
        """A turn that is due already gets no sleep, and the loop a moment for others."""
        await asyncio.sleep(max(0.0, at - self._bench.elapsed()))

    async def _away(self, phase: Open, per_second: float) -> Outage | None:
        """Stops the workers, starts them again, and sees how long they take to catch up."""
        if not phase.away_seconds:
            return None
        bench = self._bench
        await asyncio.sleep(phase.seconds / 4)
        handled = self.sent
        await asyncio.to_thread(bench.stop_workers)
        stopped = bench.elapsed()
        await asyncio.sleep(phase.away_seconds)
        began, waited = bench.elapsed(), self.sent - handled
        await bench.start_workers(self._workers)
        await self._caught_up(per_second)
        seconds, drained = bench.elapsed() - began, self.sent - handled
        return Outage(
            away_seconds=began - stopped,
            posts_waiting=waited,
            drain_seconds=seconds,
            drained_posts_per_second=drained / seconds,
            ratio_to_live_rate=drained / seconds / per_second,
        )

    async def _caught_up(self, per_second: float) -> None:
        """Returns when no more waits than what a worker that keeps up has not committed yet."""
        few = CAUGHT_UP_SECONDS * 2 * per_second  # of posts, and of their pages
        while await asyncio.to_thread(self._bench.log.waiting) > few:
            self._bench.require()
            await asyncio.sleep(CAUGHT_UP_POLL)
