"""What operators do with a replay: make a plan, run it, and ask how far it is."""

import asyncio
import time
from contextlib import AsyncExitStack, closing
from datetime import UTC, datetime
from functools import partial
from random import SystemRandom
from typing import Final, NamedTuple, Protocol

from msgspec.structs import replace

from services.clock import now_ms
from services.handlers.rebuild import Rebuild
from services.settings.brokers import Brokers
from services.settings.settings import Settings
from streams.bootstrap import Deps, create_erasure_work, repair_stores
from streams.clock import SystemClock
from streams.delivery.acks import AckTracker
from streams.delivery.dead_letters import OutboxDeadLetterWriter
from streams.kafka.group_status import GroupAdmin, seconds_behind
from streams.kafka.reader import TopicReader
from streams.outbox import Outbox
from streams.process.processes import health_site, open_deps, open_outbox
from streams.progress import ProgressCallback
from streams.records import OffsetRange
from streams.replay.deliveries import create_delivery_loops
from streams.replay.generation import (
    expect_free,
    expect_generation,
    expect_valid,
    find_generation,
    list_generation,
    mark_filled,
)
from streams.replay.live import LiveGroups, committed_of
from streams.replay.plan import LIVE, Plan, fix_ends, losses_since
from streams.replay.planner import PlanRequest, make_plan
from streams.replay.progress import Progress, measure_progress
from streams.replay.result import ReplayResult, read_counters
from streams.replay.run import Live, Replay, ReplayLimits, ReplayState
from streams.routes import WRITE_HOMES, create_inline_handlers
from streams.threads import in_thread
from streams.verification import scan_users

RATE_SECONDS: Final = 3.0
"""Over which a rate is measured: a replay commits once a second."""


class ReplayReporter(Protocol):
    """Shows an operator what a replay does."""

    def notice(self, text: str) -> None:
        """Show a line."""

    def update(self, state: ReplayState) -> None:
        """Show how far the replay is, once a second."""


async def plan_replay(
    request: PlanRequest, into: str, deps: Deps, on_progress: ProgressCallback[int]
) -> Plan:
    """Make a plan with a new name. Changes nothing.

    Raises PlanRefused, BrokerUnavailable and StoreUnavailable.
    """
    made_at, settings = now_ms(), deps.settings
    name = _new_name(made_at)
    if into != LIVE:
        await expect_free(deps.generations, into, name)
    async with in_thread(TopicReader(settings.brokers)) as reader:
        return await make_plan(
            request, reader, deps.stores.graph.follower_counts, name=name, made_at=made_at,
            epoch=settings.epoch, into=into, on_progress=on_progress,
        )  # fmt: skip


async def with_losses(plan: Plan, brokers: Brokers) -> Plan:
    """Return the plan with what the log has lost since it was made. Raises BrokerUnavailable.

    A plan with losses that cannot be recovered also backfills its follows.
    """
    losses = losses_since(plan, await _spans(plan, brokers))
    return replace(plan, lost=tuple(dict.fromkeys((*plan.lost, *losses))))


async def run_plan(  # noqa: PLR0913 - what runs, how, and who watches it
    plan: Plan,
    settings: Settings,
    stop: asyncio.Event,
    *,
    limits: ReplayLimits,
    metrics_port: int,
    reporter: ReplayReporter,
) -> ReplayResult:
    """Prepare the plan's generation, replay until the plan is done or `stop`, and complete it.

    Raises GenerationRefused, NotAcknowledged, StoreUnavailable, BrokerUnavailable, and OSError
    where the port is taken.
    """
    own = settings.model_copy(update={"metrics_port": metrics_port})
    stores = partial(repair_stores, generation=plan.generation)
    async with AsyncExitStack() as stack:
        live = await stack.enter_async_context(in_thread(closing(LiveGroups(own.brokers))))
        deps = await stack.enter_async_context(open_deps(own, stores))
        outbox = await stack.enter_async_context(open_outbox(own, deps.metrics))
        address = await stack.enter_async_context(health_site(deps, []))
        await deps.connect()
        await expect_valid(deps.generations, plan)
        reporter.notice(f"metrics at {address}/metrics")
        if plan.generation is not None:
            found = await list_generation(deps.generations, plan, live.members, reporter.notice)
            plan = fix_ends(replace(plan, since=found.since), await _spans(plan, own.brokers))
        replay = create_replay(
            plan, deps, outbox, live, limits=limits, on_progress=reporter.update
        )  # fmt: skip
        began = time.monotonic()
        progress = await replay(own.brokers, stop)
        result = ReplayResult(progress, time.monotonic() - began, *read_counters(deps.metrics))
        if progress.is_over:
            # Erasures that it brought are done, also where no worker runs.
            await create_erasure_work(deps).look()
        if plan.generation is not None and progress.is_over:
            await _complete_generation(plan, deps, reporter)
        return result


def create_replay(  # noqa: PLR0913 - a composition
    plan: Plan,
    deps: Deps,
    outbox: Outbox,
    live: Live,
    *,
    limits: ReplayLimits,
    on_progress: ProgressCallback[ReplayState],
) -> Replay:
    """Return one process of a replay, on these stores."""
    acks = AckTracker()
    handlers = create_inline_handlers(
        deps.stores,
        deps.metrics,
        deps.retention,
        deps.clock,
        backfills=not plan.edges_first,
        pull_followers=deps.settings.pull_followers,
    )
    loops = create_delivery_loops(
        plan,
        handlers,
        acks=acks,
        dead_letters=OutboxDeadLetterWriter(outbox),
        metrics=deps.metrics,
        epoch=deps.settings.epoch,
    )
    return Replay(
        plan,
        deliveries=loops,
        acks=acks,
        live=live,
        metrics=deps.metrics,
        clock=SystemClock(),
        expect_target=partial(
            expect_valid if plan.generation is None else expect_generation, deps.generations, plan
        ),
        limits=limits,
        on_progress=on_progress,
    )


class ReplayStatus(NamedTuple):
    """How far a replay is, whether it is over, and which processes run it now.

    `rate` is offsets a second, by all processes, over RATE_SECONDS; None where nobody runs it.
    `live_behind` is the age in seconds of the oldest message that waits for live workers: above a
    run's `--live-lag` it pauses.
    """

    progress: Progress
    is_over: bool
    members: tuple[str, ...] = ()
    rate: float | None = None
    live_behind: float = 0.0


async def load_status(plan: Plan, brokers: Brokers) -> ReplayStatus:
    """Return the status of a replay, whichever processes run it. Raises BrokerUnavailable.

    A process that was killed counts until its session expires.
    """
    places = [each.place for each in plan.sources]

    async def measure() -> Progress:
        return measure_progress(plan.sources, await committed_of(brokers, plan.group, places))

    progress = await measure()
    async with in_thread(closing(LiveGroups(brokers))) as live:
        members = tuple(sorted(await live.group_members(plan.group)))
    if progress.is_over or not members:
        return ReplayStatus(progress, progress.is_over, members)
    began = time.monotonic()
    await asyncio.sleep(RATE_SECONDS)
    later = await measure()
    rate = (later.done - progress.done) / (time.monotonic() - began)
    behind = await asyncio.to_thread(seconds_behind, GroupAdmin(brokers), WRITE_HOMES)
    return ReplayStatus(later, later.is_over, members, rate, behind)


async def load_generation_status(plan: Plan, deps: Deps) -> ReplayStatus:
    """Return the status of a replay into a generation, which is over once that is whole.

    Raises GenerationRefused if it was retired, StoreUnavailable and BrokerUnavailable.
    """
    found = await find_generation(deps.generations, plan)
    if found is None:
        return ReplayStatus(measure_progress(plan.sources, {}), is_over=False)
    status = await load_status(replace(plan, since=found.since), deps.settings.brokers)
    return status._replace(is_over=status.is_over and found.whole)


async def _complete_generation(plan: Plan, deps: Deps, reporter: ReplayReporter) -> None:
    """Fill in what the log lacks, so that a cutover loses nothing that was shown."""
    if plan.gone:
        reporter.notice("what the log lacks: homes are rebuilt from the store's own posts")
        rebuild = Rebuild(deps.stores, deps.retention, deps.clock)
        async for some in scan_users(deps):
            await rebuild(some)
    await mark_filled(deps.generations, plan)


async def _spans(plan: Plan, brokers: Brokers) -> list[OffsetRange]:
    topics = dict.fromkeys(each.topic for each in plan.sources)
    async with in_thread(TopicReader(brokers)) as reader:
        return await asyncio.to_thread(reader.spans, topics)


def _new_name(made_at: int) -> str:
    """Unique, for a replay's consumer group is named after it."""
    made = datetime.fromtimestamp(made_at / 1_000, UTC)
    return f"{made:%Y%m%d-%H%M%S}-{SystemRandom().randrange(16**4):04x}"
