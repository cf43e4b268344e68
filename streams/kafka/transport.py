"""The replaced parts of Faust's Kafka transport, and why.

Faust 0.15.3 loses events: a commit can pass an unhandled message (its issue 606),
acknowledgements are lost before they are committed at a rebalance (502), unhandled messages are
held by weak references only, and errors of the group's coordinator are ignored. It also spends
60 to 110 µs on each message. So here

* the fetch loop hands over whole runs of records, one Faust event per run, instead of one
  per message (`Consumer._drain_messages`);
* only the `AckTracker` commits (`Consumer.commit`), also before partitions go
  (`Consumer.on_partitions_revoked`) and before the process ends (`Consumer.wait_empty`);
* what cannot be read concerns its own offsets, or its own partition, and what a broker refuses to
  give its own partition (`streams.kafka.fetching`);
* of two static members of one name the younger ends (`worker_names.NameWatch`);
* fetched records carry the assignment they were fetched under, and are given back when the flow
  has stopped meanwhile (`ConsumerThread._fetch_records`);
* only what transactions have committed is read, and the position after the control records that
  end them is committed, too (`ConsumerThread.on_start`, `AckTracker.read_to`);
* every member notices partitions that the group has not assigned (`ownership.GroupWatch`);
* a failed commit is repeated, a failed coordinator ends the process (`Consumer._watch`),
  and neither starting nor stopping depends on a broker that answers (`ConsumerThread`).

`tests/streams/test_upstream.py` fails when upstream changes what this relies on.
"""

import asyncio
from typing import Any

import structlog
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage
from mode import Service

from services.metrics.metrics import Metrics
from streams.delivery.intake import Intake
from streams.kafka.consumer_thread import ConsumerThread, Fetched
from streams.kafka.lag import LagGauges, UnreadableGauges
from streams.records import Partition, RecordRun, numbers_by_topic

POLL_SECONDS = 1.0
"""How long a fetch waits for records; the time between two turns of the fetch loop."""
FULL_POLL_SECONDS = 0.02
"""Likewise while some partition is full: a fetch under way does not see when it has room again."""
SETTLE_SECONDS = 2.0
"""For what is in flight when partitions are revoked or the process ends: the time of many batches.
With a second for abandoned batches, the time to commit and to leave, and two seconds on a busy
machine, it is less than ten."""
WATCH_SECONDS = 1.0
"""Between two checks of the coordinator, and two updates of the lag."""

log = structlog.get_logger(__name__)


class Consumer(driver.Consumer):  # type: ignore[misc] # untyped upstream
    """Receives runs of records for the app's intake, and commits the tracker's offsets."""

    _thread: ConsumerThread
    _claim: tuple[object, int] | None = None
    """The current assignment, and the tracker's generation for it."""

    def __init__(self, transport: "Transport", *args: Any, **kwargs: Any) -> None:
        super().__init__(transport, *args, **kwargs)
        self.intake = transport.intake
        self._lag = LagGauges(transport.metrics, group=transport.app.conf.id)
        self._unreadable = UnreadableGauges(transport.metrics, transport.app.conf.id)
        self._rebalances = transport.metrics.rebalances
        self._unowned = transport.metrics.partitions_unowned
        for topic in {loop.topic for loop in self.intake.loops}:
            transport.metrics.log_lost.labels(transport.app.conf.id, topic)  # shown as 0
        self._commits = asyncio.Lock()
        self._done = False

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def _drain_messages(self, fetcher: Any) -> None:
        try:
            while not (self.should_stop or fetcher.should_stop):
                self.intake.beat()
                if self.flow_active:
                    await self._receive()
                else:
                    await self.wait_first(self.can_resume_flow.wait(), timeout=POLL_SECONDS)
        except (asyncio.CancelledError, *self.consumer_stopped_errors):
            if not self.app.should_stop:
                raise

    async def _receive(self) -> None:
        partitions = self.intake.open_partitions()
        is_full = len(partitions) < len(self.intake.acks.partitions())
        pause = FULL_POLL_SECONDS if is_full else POLL_SECONDS
        fetched: Fetched = await self._thread.getmany(partitions, pause)
        claim = self._claim  # handing over waits, and the group may rebalance meanwhile
        if claim is None or fetched.assignment is not claim[0]:
            return  # of an earlier assignment: the current owner receives it again
        for partition, records in fetched.records.items():
            run = self.intake.acks.received(Partition(*partition), claim[1], records)
            if run is not None:
                await self._hand_over(run)
        for partition, position in fetched.positions.items():  # all below them is received by now
            self.intake.acks.read_to(Partition(*partition), claim[1], position)

    async def _hand_over(self, run: RecordRun) -> None:
        """Pass the whole run on as one Faust event."""
        message = ConsumerMessage(
            topic=run.partition.topic,
            partition=run.partition.number,
            offset=run.records[0].offset,
            timestamp=run.records[0].timestamp / 1000,
            timestamp_type=0,
            headers=None,
            key=None,
            value=run,
            checksum=None,
            tp=TP(*run.partition),
            generation_id=self.app.consumer_generation_id,
        )
        await self.wait_first(self.callback(message), self.suspend_flow.wait())

    async def commit(self, *_: Any, **__: Any) -> bool:
        """Commit the tracker's offsets, whatever is requested. Upstream calls it every second."""
        async with self._commits:
            offsets = self.intake.acks.committable()
            if not offsets or not await self._thread.commit_in_time(offsets):
                return False
            self.intake.acks.committed(offsets)
            return True

    async def wait_empty(self) -> None:
        """Finish what is in flight, abandon the rest, commit. Upstream calls it twice to stop."""
        if self._done:
            return
        self._done = self.app.should_stop
        await self.intake.settle(SETTLE_SECONDS)
        await self.commit()

    async def on_partitions_revoked(self, revoked: set[Any]) -> None:
        self.stop_flow()
        await self.wait_empty()
        if held := self.intake.acks.partitions():
            log.info("partitions revoked", partitions=numbers_by_topic(held))
        self._claim = None
        self.intake.revoke()
        self._lag.clear()
        self._unreadable.update(())
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[Any], generation_id: int = 0) -> None:
        partitions = [Partition(*each) for each in assigned]
        self._claim = (self._thread.assignment_now(), self.intake.assign(partitions))
        self._rebalances.inc()
        log.info("partitions assigned", partitions=numbers_by_topic(partitions))
        await super().on_partitions_assigned(assigned, generation_id)

    async def perform_seek(self) -> None:
        """Do nothing. Upstream seeks to the committed offsets again after each rebalance.

        Nothing was received since the assignment, so aiokafka is at those offsets already.
        """

    async def verify_all_partitions_active(self) -> None:
        """Do nothing. Upstream looks for stuck agents in a monitor that sees no messages here.

        It also crashes while no broker has answered yet. `Intake.stuck` says what is stuck.
        """

    @Service.task  # type: ignore[untyped-decorator]
    async def _watch(self) -> None:
        """End the process when the coordinator has failed; keep what is shown current."""
        while not self.should_stop:
            failure = self._thread.failure()
            if failure is not None:
                self.app._crash(failure)  # noqa: SLF001 - `crash` would log it as well
                return
            self.intake.known_topics = self._thread.known_topics()
            self.intake.unreadable = unreadable = self._thread.unreadable()
            self._unreadable.update(unreadable)
            unowned = self._thread.unowned()
            self._lag.update(self.intake.acks, self._thread.extents(), unowned)
            self.intake.unowned = {each: at.seconds for each, at in unowned.items()}
            for topic in {loop.topic for loop in self.intake.loops}:
                count = sum(each.topic == topic for each in unowned)
                self._unowned.labels(self.app.conf.id, topic).set(count)
            await self.sleep(WATCH_SECONDS)


class Transport(driver.Transport):  # type: ignore[misc] # untyped upstream
    """aiokafka's transport with the consumer above."""

    Consumer = Consumer

    def __init__(self, url: Any, app: Any, intake: Intake, metrics: Metrics) -> None:
        super().__init__(url, app)
        self.intake = intake
        self.metrics = metrics
