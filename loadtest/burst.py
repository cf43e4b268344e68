"""The closed phase: everything is published at once, and arrives as fast as it can."""

import asyncio
import time

from loadtest.bench import Bench, RunTimedOut, SentEvents, cpu_seconds_between
from loadtest.figures import time_reached
from loadtest.kafka import is_drained
from loadtest.report import Repetition
from loadtest.traffic import Writer
from services.clock import now_ms

SECONDS = 900.0
"""For one repetition: three million entries take half a minute."""
POLL_SECONDS = 0.05
LOOK_SECONDS = 2.0
"""Between two looks whether Kafka says that nothing is left, where entries do not add up."""
WATCHED = 20
"""Posts of a burst whose arrival is looked for in homes."""
SENT_AT_ONCE = 200
"""Between two looks at what else is to be done here."""


class Burst:
    """Posts at once, and how long until all their entries are written."""

    def __init__(self, bench: Bench, ledger: SentEvents, writer: Writer) -> None:
        self._bench = bench
        self._ledger = ledger
        self._writer = writer

    async def publish(self, group: str, authors: list[int]) -> Repetition:
        """By these authors, one post each."""
        bench = self._bench
        messages = [self._writer.post(author, now_ms()) for author in authors]
        deliveries = sum(len(self._ledger.lists.of(author)) for author in authors)
        await bench.drained()
        await self._fresh_sample()
        before, looked = bench.sampler.samples[-1], len(bench.sampler.samples) - 1
        cpu = bench.cpu()
        began = bench.elapsed()
        watched = -(-len(messages) // WATCHED)
        for number, message in enumerate(messages):
            bench.sender.send(message)
            self._ledger.wrote(message.author_id, message.post_id)
            followers = self._ledger.lists.of(message.author_id)
            if number % watched == 0:
                bench.observer.watch(group, message.post_id, followers, began)
            if number % SENT_AT_ONCE == 0:
                bench.sender.poll()
                await asyncio.sleep(0)
        await asyncio.to_thread(bench.sender.flush)
        ended = await self._written(before.entries + deliveries, looked)
        after = bench.sampler.samples[-1]
        requests = after.requests - before.requests
        deliveries = min(deliveries, round(after.entries - before.entries))
        return Repetition(
            posts=len(messages),
            deliveries=deliveries,
            seconds=ended - began,
            per_second=deliveries / (ended - began),
            cpu_seconds=cpu_seconds_between(cpu, bench.cpu()),
            rows_per_request=(after.entries - before.entries) / requests if requests else None,
        )

    async def _fresh_sample(self) -> None:
        """Returns when every worker has told what it had counted by now.

        The first sample may have been asked for before.
        """
        sampler, deadline = self._bench.sampler, time.monotonic() + SECONDS
        first = len(sampler.samples)
        while sum(each.complete for each in sampler.samples[first:]) < 2:
            self._bench.require()
            if time.monotonic() > deadline:
                raise RunTimedOut("the workers do not tell their metrics")
            await asyncio.sleep(POLL_SECONDS)

    async def _written(self, entries: float, first: int) -> float:
        """When the workers had written so many, in seconds of the run.

        Where all is handled and there are fewer, when the last of those was written: what homes
        lack, if they do, the check at the end says.
        """
        sampler = self._bench.sampler
        deadline = time.monotonic() + SECONDS
        look = time.monotonic() + LOOK_SECONDS
        while time.monotonic() < deadline:
            at = time_reached(sampler.entries()[first:], entries)
            if at is not None:
                return at
            self._bench.require()
            if time.monotonic() > look:
                if await asyncio.to_thread(is_drained, self._bench.log):
                    await self._fresh_sample()
                    counted = min(entries, sampler.samples[-1].entries)
                    return next(each.at for each in sampler.samples if each.entries >= counted)
                look = time.monotonic() + LOOK_SECONDS
            await asyncio.sleep(POLL_SECONDS)
        raise RunTimedOut(f"entries still missing after {SECONDS:g} s")
