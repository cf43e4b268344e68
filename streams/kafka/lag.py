"""Measures how far a group is behind, in messages and in seconds, and where it stands still."""

import time
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet

from services.metrics.metrics import Metrics
from streams.delivery.acks import AckTracker
from streams.kafka.consumer_thread import Extent
from streams.kafka.ownership import Unowned
from streams.records import Partition
from streams.routes import LANES, SECOND_ROLES, group_of


class UnreadableGauges:
    """Shows the partitions in which a group stands still."""

    def __init__(self, metrics: Metrics, group: str) -> None:
        self._gauge = metrics.partitions_unreadable
        self._group = group
        self._shown: set[Partition] = set()

    def update(self, partitions: Iterable[Partition]) -> None:
        current = set(partitions)
        for topic, number in current - self._shown:
            self._gauge.labels(self._group, topic, str(number)).set(1)
        for topic, number in self._shown - current:
            self._gauge.remove(self._group, topic, str(number))
        self._shown = current


class LagGauges:
    """Shows the lag of the partitions that are assigned to this worker, or to none."""

    def __init__(
        self, metrics: Metrics, now: Callable[[], float] = time.time, group: str = ""
    ) -> None:
        if group in map(group_of, SECOND_ROLES):
            self._seconds, self._messages = metrics.search_lag_seconds, metrics.search_lag_messages
        else:
            self._seconds = metrics.consumer_lag_seconds
            self._messages = metrics.consumer_lag_messages
        self._pages = metrics.fanout_pages_pending
        self._now = now
        self._behind_since: dict[Partition, float] = {}
        self._shown: set[Partition] = set()

    def update(
        self,
        acks: AckTracker,
        extents: Mapping[Partition, Extent],
        unowned: Mapping[Partition, Unowned],
    ) -> None:
        self._hide(self._shown - acks.partitions() - unowned.keys())
        for partition in unowned.keys() - acks.partitions():
            seconds, messages = unowned[partition]
            self._show(partition, messages, seconds if messages else 0.0)
        mine = {partition.topic for partition in acks.partitions()}
        pages = {lane: 0 for topic, lane in LANES.items() if topic in mine}
        for partition in acks.partitions() & extents.keys():
            position, end = extents[partition]
            oldest = acks.oldest(partition)
            messages = max(0, end - (position if oldest is None else oldest.offset))
            self._show(partition, messages, self._age(partition, acks, messages))
            if partition.topic in LANES:
                pages[LANES[partition.topic]] += messages
        for lane, waiting in pages.items():
            self._pages.labels(lane).set(waiting)

    def clear(self) -> None:
        """Show nothing of these partitions any more: their next owner does."""
        self._hide(set(self._shown))
        self._behind_since.clear()

    def _show(self, partition: Partition, messages: int, seconds: float) -> None:
        labels = (partition.topic, str(partition.number))
        self._messages.labels(*labels).set(messages)
        self._seconds.labels(*labels).set(seconds)
        self._shown.add(partition)

    def _hide(self, partitions: AbstractSet[Partition]) -> None:
        for partition in partitions:
            self._messages.remove(partition.topic, str(partition.number))
            self._seconds.remove(partition.topic, str(partition.number))
        self._shown -= partitions

    def _age(self, partition: Partition, acks: AckTracker, messages: int) -> float:
        """Return the age in seconds of the oldest message that waits.

        If none was received yet, return the time since there was none: it is at least that old.
        """
        now = self._now()
        oldest = acks.oldest(partition)
        if messages == 0:
            self._behind_since.pop(partition, None)
            return 0.0
        since = self._behind_since.setdefault(partition, now)
        if oldest is None or oldest.timestamp < 0:
            return max(0.0, now - since)
        return max(0.0, now - oldest.timestamp / 1000)
