"""Which offsets may be committed: never past a message that is not fully handled."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from streams.records import Partition, Record, RecordRun, size_of


class AckTracker:
    """What was received and is not yet handled, per partition that is assigned.

    It alone decides what is committed. The law: an offset that was received and whose every
    delivery has not been acknowledged is never below a committable offset, whatever the order
    of `received` and `acked`, whatever was skipped (compacted messages, transaction markers)
    or sought. Messages are held by strong references. What an earlier assignment of a
    partition received is ignored when it is acknowledged late: whoever holds the partition
    now receives it again.

    Not safe for threads: one event loop.
    """

    def __init__(self) -> None:
        self._claims: dict[Partition, _Claim] = {}
        self._generation = 0

    def assign(self, partitions: Iterable[Partition]) -> int:
        """These partitions are ours from now on, under the generation that is returned."""
        self._generation += 1
        for partition in partitions:
            self._claims[partition] = _Claim(self._generation)
        return self._generation

    def revoke(self, partitions: Iterable[Partition]) -> None:
        """What these partitions still hold is no longer ours to commit."""
        for partition in partitions:
            self._claims.pop(partition, None)

    def received(
        self, partition: Partition, generation: int, records: Sequence[Record]
    ) -> RecordRun | None:
        """Records that were read, in the order of their offsets; at least one.

        None when the partition is not held under that generation.
        """
        claim = self._claims.get(partition)
        if claim is None or claim.generation != generation:
            return None
        claim.add(records)
        return RecordRun(partition, generation, records)

    def acked(self, partition: Partition, generation: int, offsets: Iterable[int]) -> None:
        """These messages are fully handled."""
        claim = self._claims.get(partition)
        if claim is not None and claim.generation == generation:
            claim.remove(offsets)

    def committable(self) -> dict[Partition, int]:
        """The next offset to read, for partitions where it differs from the committed one."""
        ready = {}
        for partition, claim in self._claims.items():
            position = claim.position()
            if position is not None and position != claim.committed:
                ready[partition] = position
        return ready

    def committed(self, offsets: Mapping[Partition, int]) -> None:
        """The broker has these."""
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
        """Bytes received and not yet handled."""
        return self._claims[partition].bytes

    def oldest(self, partition: Partition) -> Record | None:
        """The unhandled message with the lowest offset."""
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
        self._next = records[-1].offset + 1
        if records[0].offset <= self._highest:
            records = [record for record in records if not self._is_repeated(record)]
        self._highest = max(self._highest, self._next - 1)
        self._unhandled.update((record.offset, record) for record in records)
        self.bytes += sum(map(size_of, records))

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
