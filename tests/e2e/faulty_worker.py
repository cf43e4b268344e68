"""`mingle worker`, except that it can be told to die or to freeze at a point of its work.

python -m tests.e2e.faulty_worker PLAN, a `tests.e2e.faults.Plan` as JSON.
"""

import dataclasses
import sys
import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import msgspec

from services.clock import now_ms
from services.handlers import pages as plan
from services.handlers.delivery import ActiveFollowers, DeliverPages
from streams import bootstrap
from streams import routes as handlers
from streams.app import App
from streams.bootstrap import Deps, create_workers
from streams.cli.configuration import load_settings
from streams.delivery import loop as delivery
from streams.delivery.acks import AckTracker
from streams.delivery.attempt import BatchAttempt, Unfinished
from streams.delivery.backlog import Batch, BatchBounds
from streams.kafka.consumer_thread import ConsumerThread
from streams.kafka.transport import Consumer, Transport
from streams.logs import configure_logging
from streams.outbox import Outbox
from streams.process import processes
from streams.process.signals import run_until_signal
from streams.records import RecordRun
from streams.routes import ROLES
from tests.e2e.faults import Faults, Plan


def create_faulty_workers(
    faults: Faults,
    deps: Deps,
    outbox: Outbox,
    roles: Iterable[str],
    active_followers: ActiveFollowers,
) -> list[App]:
    """What `create_workers` makes, on ports that may fail the worker."""
    own = dataclasses.replace(deps, stores=faults.stores(deps.stores))
    apps = create_workers(own, faults.outbox(outbox), roles, active_followers)
    for app in apps:
        app.transport = faulty_transport(faults, app, deps)
        hurry(app, faults.plan)
        if faults.plan.acks_unhandled:
            ack_unhandled(app.intake.acks)
    return apps


def faulty_transport(faults: Faults, app: App, deps: Deps) -> Transport:
    """A transport whose commits pass the fault's points, and which tells of its assignments."""

    class FaultyThread(ConsumerThread):
        async def commit_in_time(self, offsets: Any) -> bool:
            faults.passes("before-commit")
            committed = await super().commit_in_time(offsets)
            # What counts as handled when it arrives is lost by a commit of what is recorded.
            if committed and (app.conf.id == "mingle-ingest" or not faults.plan.acks_unhandled):
                faults.passes("after-commit")
            faults.journal.write("commit", group=app.conf.id, committed=committed)
            return committed

    class FaultyConsumer(Consumer):
        def _new_consumer_thread(self) -> ConsumerThread:
            return FaultyThread(self, loop=self.loop, beacon=self.beacon)

        async def on_partitions_assigned(self, assigned: set[Any], generation_id: int = 0) -> None:
            await super().on_partitions_assigned(assigned, generation_id)
            faults.journal.write("assigned", group=app.conf.id, partitions=len(assigned))

    class FaultyTransport(Transport):
        Consumer = FaultyConsumer

    return FaultyTransport(app.conf.broker_consumer, app, app.intake, deps.metrics)


def hurry(app: App, given: Plan) -> None:
    """Shorter times, so that a test need not wait half a minute for a session to end."""
    if given.session_seconds:
        app.conf.broker_session_timeout = given.session_seconds
    if given.heartbeat_seconds:
        app.conf.broker_heartbeat_interval = given.heartbeat_seconds
    if given.metadata_seconds:
        app.conf.consumer_metadata_max_age_ms = int(given.metadata_seconds * 1_000)


def set_clock(given: Plan) -> None:
    """What this process takes for the present; how much time passes is as it was."""
    seconds, nanoseconds = time.time, time.time_ns
    vars(time)["time"] = lambda: seconds() + given.clock_ms / 1_000
    vars(time)["time_ns"] = lambda: nanoseconds() + given.clock_ms * 1_000_000


def bound(given: Plan) -> None:
    """The bounds of this process, as planned."""
    if given.followers_a_page:
        plan.FOLLOWERS_A_PAGE = given.followers_a_page
    if given.entries_at_once:
        vars(handlers)["DeliverPages"] = partial(
            DeliverPages, entries_at_once=given.entries_at_once
        )
    if given.pages_at_once:
        few = BatchBounds(messages=given.pages_at_once, batches=1)
        vars(bootstrap)["ROUTES"] = [
            route._replace(bounds=few) if route.agent == "fanout" else route
            for route in handlers.ROUTES
        ]


def stop_between_groups(faults: Faults) -> None:
    """The point where a part of a batch is done, and its rest not begun."""

    class CutAttempt(BatchAttempt[Any]):
        async def __call__(self, batch: Batch) -> Unfinished:
            left = await super().__call__(batch)
            if left.not_started:
                faults.passes("between-groups")
            return left

    vars(delivery)["BatchAttempt"] = CutAttempt


def ack_unhandled(tracker: AckTracker) -> None:
    received = tracker.received

    def received_and_acked(*given: Any) -> RecordRun | None:
        run = received(*given)
        if run is not None:
            tracker.acked(run.partition, run.generation, [each.offset for each in run.records])
        return run

    vars(tracker)["received"] = received_and_acked


def main(arguments: Sequence[str]) -> int:
    given = msgspec.json.decode(arguments[0], type=Plan)
    if given.clock_ms:
        set_clock(given)
    settings = load_settings()
    configure_logging(settings.log_level)
    bound(given)
    # Everything else is the product's own `run_worker`.
    faults = Faults(given)
    real_now = time.clock_gettime_ns(time.CLOCK_REALTIME) // 1_000_000
    faults.journal.write("began", wrong_by_ms=now_ms() - real_now)
    stop_between_groups(faults)
    vars(processes)["create_workers"] = partial(create_faulty_workers, faults)
    return run_until_signal(partial(processes.run_worker, settings, ROLES))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
