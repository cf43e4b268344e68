"""The maximum phase: publishes posts all at once, and measures how fast they are delivered."""

import asyncio
import time

from loadtest.bench import Bench, RunTimedOut, SentEvents, cpu_seconds_between
from loadtest.figures import time_reached
from loadtest.kafka import is_drained
from loadtest.report import Repetition
from loadtest.traffic import Writer
from services.clock import now_ms

BURST_SECONDS = 900.0
"""Limit for one repetition: three million entries take half a minute."""
POLL_SECONDS = 0.05
DRAIN_CHECK_SECONDS = 2.0
"""Between two checks with Kafka that everything is handled, in case entries are missing."""
WATCHED_POSTS = 20
"""Posts of a burst whose arrival in homes is watched."""
YIELD_EVERY = 200
"""Messages that are sent before other tasks of this process run."""


class Burst:
    """Publishes posts at once and measures how long it takes to write all their entries."""

    def __init__(self, bench: Bench, sent: SentEvents, writer: Writer) -> None:
        self._bench = bench
        self._sent = sent
        self._writer = writer

    async def publish(self, group: str, authors: list[int]) -> Repetition:
        """Publish one post of each author, and return what that took."""
        bench = self._bench
        messages = [self._writer.post(author, now_ms()) for author in authors]
        deliveries = sum(len(self._sent.lists.of(author)) for author in authors)
        await bench.wait_until_drained()
        await self._fresh_sample()
        before, first_sample = bench.sampler.samples[-1], len(bench.sampler.samples) - 1
        cpu = bench.cpu_seconds()
        began = bench.elapsed()
        watch_every = -(-len(messages) // WATCHED_POSTS)
        for number, message in enumerate(messages):
            bench.sender.send(message)
            self._sent.add_post(message.author_id, message.post_id)
            followers = self._sent.lists.of(message.author_id)
            if number % watch_every == 0:
                bench.observer.watch(group, message.post_id, followers, began)
            if number % YIELD_EVERY == 0:
                bench.sender.poll()
                await asyncio.sleep(0)
        await asyncio.to_thread(bench.sender.flush)
        ended = await self._time_written(before.entries + deliveries, first_sample)
        after = bench.sampler.samples[-1]
        requests = after.requests - before.requests
        deliveries = min(deliveries, round(after.entries - before.entries))
        return Repetition(
            posts=len(messages),
            deliveries=deliveries,
            seconds=ended - began,
            per_second=deliveries / (ended - began),
            cpu_seconds=cpu_seconds_between(cpu, bench.cpu_seconds()),
            rows_per_request=(after.entries - before.entries) / requests if requests else None,
        )

    async def _fresh_sample(self) -> None:
        """Return when there is a complete sample that was requested from now on.

        The first complete sample may have been requested before.
        """
        sampler, deadline = self._bench.sampler, time.monotonic() + BURST_SECONDS
        first = len(sampler.samples)
        while sum(each.complete for each in sampler.samples[first:]) < 2:
            self._bench.check_programs()
            if time.monotonic() > deadline:
                raise RunTimedOut("the workers do not answer with their metrics")
            await asyncio.sleep(POLL_SECONDS)

    async def _time_written(self, entries: float, first_sample: int) -> float:
        """Return when the workers had written this many entries, in seconds of the run.

        If everything is handled and there are fewer, return when the last one was written; the
        check at the end of the run finds out whether homes lack any.
        """
        sampler = self._bench.sampler
        deadline = time.monotonic() + BURST_SECONDS
        next_check = time.monotonic() + DRAIN_CHECK_SECONDS
        while time.monotonic() < deadline:
            at = time_reached(sampler.entries()[first_sample:], entries)
            if at is not None:
                return at
            self._bench.check_programs()
            if time.monotonic() > next_check:
                if await asyncio.to_thread(is_drained, self._bench.kafka):
                    await self._fresh_sample()
                    counted = min(entries, sampler.samples[-1].entries)
                    return next(each.at for each in sampler.samples if each.entries >= counted)
                next_check = time.monotonic() + DRAIN_CHECK_SECONDS
            await asyncio.sleep(POLL_SECONDS)
        raise RunTimedOut(f"entries are still missing after {BURST_SECONDS:g} s")
