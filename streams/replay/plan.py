"""A replay as it is written down before anything is done: from what, into what, how much. Pure."""

from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

import msgspec

from schemas.snapshots import FOLLOW_EDGES, EdgesWritten
from schemas.topics import dead_letter_topic
from streams.records import Partition
from streams.replay.selection import Selection

FACTS: Final = ("follows", "relations", "posts", "replies")
"""The topics that are the truth: requests are made anew from them. Edges come first."""
EDGES: Final = (FOLLOW_EDGES, "follows", "relations")
DEPENDS: Final[Mapping[str, tuple[str, ...]]] = {
    "follows": ("relations",),
    "posts": ("replies",),
    "replies": ("posts",),
}
"""Without what a topic's part of the state is not whole: an edge ends by a block, too; an edit or a
deletion of a reply may be in either topic."""
LIVE: Final = "live"

EVENTS_PER_SECOND: Final = 2_000.0
DELIVERIES_PER_SECOND: Final = 40_000.0
"""Of one process, on two cores that it shares with the store (docs/benchmarks.md, *Replays*)."""
REQUESTS_AN_EVENT: Final = 0.05
ROWS_A_REQUEST: Final = 1_000
"""Entries that one request of a replay carries, and requests besides, likewise."""


class PlanRefused(Exception):
    """A plan that would not do what it says; its text is for whoever asked for it."""


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Offsets of a partition, `end` excluded."""

    topic: str
    partition: int
    first: int
    end: int

    @property
    def place(self) -> Partition:
        return Partition(self.topic, self.partition)


class Lost(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a plan needs and the log no longer holds: the offsets up to `before`."""

    topic: str
    partition: int
    before: int

    @property
    def place(self) -> Partition:
        return Partition(self.topic, self.partition)

    def __str__(self) -> str:
        return f"{self.topic}:{self.partition} begins at offset {self.before:,}"


class Gone(NamedTuple):
    """Offsets that no replay brings back, `before` excluded."""

    topic: str
    partition: int
    first: int
    before: int

    def __str__(self) -> str:
        which = (
            f"{self.first:,} to {self.before - 1:,}" if self.first else f"before {self.before:,}"
        )
        return f"{self.topic}:{self.partition} offsets {which}"


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a replay does. `made_at` is in milliseconds since the Unix epoch.

    `into` is LIVE, for the homes that live workers write, or the name of a generation that only
    this replay fills; its ends are fixed anew when it is run. `whole` says that nothing of the log
    was left out. `lost` is what the log lacks; where that are follows, the snapshot of edges is
    read, too, and `edges` is what it says of itself, None where none was ever whole. `events` are
    those that are read, `chosen` those that are applied, `deliveries` the entries that their posts
    owe; both are estimates where the plan says so.
    """

    name: str
    made_at: int
    into: str = LIVE
    sources: tuple[Source, ...]
    choice: Selection = Selection()
    whole: bool = False
    lost: tuple[Lost, ...] = ()
    edges: EdgesWritten | None = None
    events: int = 0
    chosen: int = 0
    deliveries: int = 0
    estimated: bool = False

    @property
    def edges_first(self) -> bool:
        """Whether the deliveries of posts make those of follows needless.

        So it is where the plan has every edge and every post of the log: then edges are recorded
        first, and each post is brought to all its followers once.
        """
        return self.whole and not self.gone

    @property
    def gone(self) -> tuple[Gone, ...]:
        """What is lost and not in the snapshot of edges either."""
        firsts = ((each, self._kept(each)) for each in self.lost)
        return tuple(Gone(*each.place, first, each.before) for each, first in firsts
                     if first < each.before)  # fmt: skip

    def _kept(self, lost: Lost) -> int:
        """Up to which offset the snapshot has what is lost of a partition."""
        if self.edges is None or lost.topic != "follows":
            return 0
        return self.edges.handled_of(lost.partition)

    @property
    def generation(self) -> str | None:
        """The generation that the replay fills; None for live tables."""
        return None if self.into == LIVE else self.into

    @property
    def group(self) -> str:
        return f"mingle-replay-{self.name}"

    def seconds(self, rate: float | None = None) -> float:
        """How long one process takes, with nothing else to wait for."""
        read = self.events / rate if rate else 0.0
        work = self.chosen / EVENTS_PER_SECOND + self.deliveries / DELIVERIES_PER_SECOND
        return max(read, work)

    @property
    def store_requests(self) -> int:
        return round(self.chosen * REQUESTS_AN_EVENT + self.deliveries / ROWS_A_REQUEST)


def check_topics(topics: Collection[str]) -> None:
    """Raises PlanRefused where a topic is left out on which another one of them depends."""
    for topic in topics:
        for needed in DEPENDS.get(topic, ()):
            if needed not in topics:
                raise PlanRefused(
                    f"--topic: {topic} without {needed} leaves what it writes half done "
                    f"({WHY[topic]}); add --topic {needed}"
                )


WHY: Final[Mapping[str, str]] = {
    "follows": "an edge ends by a block, too",
    "posts": "an edit or a deletion of a post may be in either topic",
    "replies": "an edit or a deletion of a reply may be in either topic",
}


def order_sources(sources: Iterable[Source]) -> tuple[Source, ...]:
    """By their topics, edges first, and by partition."""
    names = (FOLLOW_EDGES, *FACTS, *map(dead_letter_topic, FACTS))
    order = {name: place for place, name in enumerate(names)}
    return tuple(sorted(sources, key=lambda each: (order[each.topic], each.partition)))


def parse_plan(text: bytes) -> Plan:
    """A plan from its file. Raises PlanRefused for what is none."""
    try:
        return msgspec.json.decode(text, type=Plan)
    except msgspec.MsgspecError as error:
        raise PlanRefused(f"not a plan of `mingle replay plan`: {error}") from error


def render_plan(plan: Plan) -> bytes:
    """A plan as its file holds it, to be read by people too."""
    return msgspec.json.format(msgspec.json.encode(plan), indent=1) + b"\n"
