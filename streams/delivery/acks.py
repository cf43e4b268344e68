"""Decides which offsets may be committed: never past a message that is not fully handled."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from streams.records import Partition, Record, RecordRun, offset_after, size_of


class AckTracker:
    """Tracks received messages that are not yet handled, by assigned partition.

    It alone decides what is committed. The law: no committable offset is above an offset that was
    received and has a delivery not yet acknowledged, whatever the order of `received` and `acked`,
    and whatever was skipped (compacted messages, transaction markers) or sought. It holds messages
    by strong references. A late acknowledgement from an earlier assignment of a partition is
    ignored: the partition's current owner receives the message again.

    Not thread-safe: for one event loop.
    """

    def __init__(self) -> None:
        self._claims: dict[Partition, _Claim] = {}
        self._generation = 0

    def assign(self, partitions: Iterable[Partition]) -> int:
        """Hold these partitions from now on. Return the generation of this assignment."""
        self._generation += 1
        for partition in partitions:
            self._claims[partition] = _Claim(self._generation)
        return self._generation

    def revoke(self, partitions: Iterable[Partition]) -> None:
        """Drop these partitions: what they still hold is no longer ours to commit."""
        for partition in partitions:
            self._claims.pop(partition, None)

    def received(
        self, partition: Partition, generation: int, records: Sequence[Record]
    ) -> RecordRun | None:
        """Track records in the order of their offsets; at least one. Return them as a run.

        Return None when the partition is not held under that generation.
        """
        claim = self._claims.get(partition)
        if claim is None or claim.generation != generation:
            return None
        claim.add(records)
        return RecordRun(partition, generation, records)

    def read_to(self, partition: Partition, generation: int, position: int) -> None:
        """Note that all records below this position were received, and that the rest are none.

        Control records and aborted transactions are never received. Until they are committed, too,
        a group never reaches the end of a log that ends in one.
        """
        claim = self._claims.get(partition)
        if claim is not None and claim.generation == generation:
            claim.read_to(position)

    def acked(self, partition: Partition, generation: int, offsets: Iterable[int]) -> None:
        """Note that these messages are fully handled."""
        claim = self._claims.get(partition)
        if claim is not None and claim.generation == generation:
            claim.remove(offsets)

    def committable(self) -> dict[Partition, int]:
        """Return the next offset to read of each partition, where it is not committed yet."""
        ready = {}
        for partition, claim in self._claims.items():
            position = claim.position()
            if position is not None and position != claim.committed:
                ready[partition] = position
        return ready

    def committed(self, offsets: Mapping[Partition, int]) -> None:
        """Note that the broker has these offsets."""
        for partition, offset in offsets.items():
            if partition in self._claims:
                self._claims[partition].committed = offset

    def holds(self, run: RecordRun) -> bool:
        """Whether the run is still ours to handle."""
        claim = self._claims.get(run.partition)
        return claim is not None and claim.generation == run.generation

    def partitions(self) -> set[Partition]:
        return set(self._claims)

    def held(self, partition: Partition) -> int:
        """Return the bytes that are received and not yet handled."""
        return self._claims[partition].bytes

    def oldest(self, partition: Partition) -> Record | None:
        """Return the unhandled message with the lowest offset."""
        return self._claims[partition].oldest()


class _Claim:
    """One partition, for as long as it is assigned."""

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self.committed: int | None = None
        self.bytes = 0
        self._next: int | None = None
        self._highest = -1
        self._unhandled: dict[int, Record] = {}
        self._repeated: Counter[int] = Counter()
        """Further deliveries of unhandled offsets, after the position was moved back."""

    def add(self, records: Sequence[Record]) -> None:
        self._next = offset_after(records[-1])
        if records[0].offset <= self._highest:
            records = [record for record in records if not self._is_repeated(record)]
        self._highest = max(self._highest, self._next - 1)
        self._unhandled.update((record.offset, record) for record in records)
        self.bytes += sum(map(size_of, records))

    def read_to(self, position: int) -> None:
        if position > (self._next or 0):
            self._next = position

    def _is_repeated(self, record: Record) -> bool:
        repeated = record.offset in self._unhandled
        if repeated:
            self._repeated[record.offset] += 1
        return repeated

    def remove(self, offsets: Iterable[int]) -> None:
        for offset in offsets:
            if self._repeated and self._repeated[offset] > 0:
                self._repeated[offset] -= 1
                continue
            record = self._unhandled.pop(offset, None)
            if record is not None:
                self.bytes -= size_of(record)

    def position(self) -> int | None:
        return min(self._unhandled) if self._unhandled else self._next

    def oldest(self) -> Record | None:
        return self._unhandled[min(self._unhandled)] if self._unhandled else None
