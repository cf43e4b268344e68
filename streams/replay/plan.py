"""The plan of a replay, made before anything is done: from where, into what, how much. Pure."""

from collections.abc import Collection, Iterable, Mapping
from hashlib import sha256
from typing import Any, Final, NamedTuple

import msgspec
from msgspec.structs import replace

from schemas.snapshots import FOLLOW_EDGES, EdgesWritten
from schemas.topics import dead_letter_topic
from streams.records import OffsetRange, Partition
from streams.replay.selection import Selection

FACTS: Final = ("follows", "relations", "posts", "replies")
"""The topics of facts; requests are made anew from them. Edges come first."""
EDGES: Final = (FOLLOW_EDGES, "follows", "relations")
DEPENDS: Final[Mapping[str, tuple[str, ...]]] = {
    "follows": ("relations",),
    "posts": ("replies",),
    "replies": ("posts",),
}
"""The topics that another topic's part of the state depends on, for the reasons below."""
LIVE: Final = "live"

REPLAY_GROUPS: Final = "mingle-replay-"
"""How the consumer groups of replays begin; the replay's name follows."""

EVENTS_PER_SECOND: Final = 2_000.0
DELIVERIES_PER_SECOND: Final = 40_000.0
"""By one process, on two cores shared with the store (docs/benchmarks.md, *Replays*)."""
REQUESTS_AN_EVENT: Final = 0.05
ROWS_A_REQUEST: Final = 1_000
"""Entries in one request of a replay, measured likewise."""


class PlanRefused(Exception):
    """A plan would not do what it says; the text is for the operator."""


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Offsets of a partition to read, `end` excluded."""

    topic: str
    partition: int
    first: int
    end: int

    @property
    def place(self) -> Partition:
        return Partition(self.topic, self.partition)


class Lost(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Offsets that a plan needs and the log no longer holds, `before` excluded."""

    topic: str
    partition: int
    before: int

    @property
    def place(self) -> Partition:
        return Partition(self.topic, self.partition)

    def __str__(self) -> str:
        return f"{self.topic}:{self.partition} begins at offset {self.before:,}"


class Gone(NamedTuple):
    """Offsets that no replay can recover, `before` excluded."""

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
    """A replay's sources, its target, and its size. `made_at` is milliseconds since the Unix epoch.

    `into` is LIVE, for the homes that live workers write, or the name of a generation that only
    this replay fills; its ends are then fixed when it is run, and `since` is the list that the
    generation came with, None before. `whole` means that nothing of the log
    is left out. `lost` is what the log lacks; if that includes follows, the snapshot of edges is
    read, too, and `edges` is the record that completes it, None if there is none. `events` counts
    what is read, `chosen` what is applied, `deliveries` the entries of its posts; all of them may
    be `estimated`. Offsets of control records and of aborted events are no events.
    """

    name: str
    made_at: int
    into: str = LIVE
    since: int | None = None
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
        """Whether to record all edges first, and deliver each post to its followers once.

        Possible if the plan has every edge and every post. Backfills of follows are then needless.
        """
        return self.whole and not self.gone

    @property
    def gone(self) -> tuple[Gone, ...]:
        """The losses that the snapshot of edges does not cover either."""
        firsts = ((each, self._kept(each)) for each in self.lost)
        return tuple(Gone(*each.place, first, each.before) for each, first in firsts
                     if first < each.before)  # fmt: skip

    def _kept(self, lost: Lost) -> int:
        """Return the offset up to which the snapshot covers a partition."""
        if self.edges is None or lost.topic != "follows":
            return 0
        return self.edges.handled_of(lost.partition)

    @property
    def generation(self) -> str | None:
        """The generation that the replay fills; None for live tables."""
        return None if self.into == LIVE else self.into

    @property
    def group(self) -> str:
        return replay_group(self.name, self.since)

    def seconds(self, rate: float | None = None) -> float:
        """Return how long one process takes if it waits for nothing else."""
        read = self.events / rate if rate else 0.0
        work = self.chosen / EVENTS_PER_SECOND + self.deliveries / DELIVERIES_PER_SECOND
        return max(read, work)

    @property
    def store_requests(self) -> int:
        return round(self.chosen * REQUESTS_AN_EVENT + self.deliveries / ROWS_A_REQUEST)


def replay_group(name: str, since: int | None) -> str:
    """Return the consumer group that keeps a replay's progress, one for each life of its tables.

    A generation that is listed again is empty: earlier offsets say nothing about it.
    """
    return f"{REPLAY_GROUPS}{name}" + ("" if since is None else f"-{since}")


def check_topics(topics: Collection[str]) -> None:
    """Raise PlanRefused where one of the topics depends on another that is left out."""
    for topic in topics:
        for needed in DEPENDS.get(topic, ()):
            if needed not in topics:
                raise PlanRefused(
                    f"--topic: {topic} without {needed} leaves its result incomplete "
                    f"({WHY[topic]}); add --topic {needed}"
                )


WHY: Final[Mapping[str, str]] = {
    "follows": "an edge ends by a block, too",
    "posts": "an edit or a deletion of a post may be in either topic",
    "replies": "an edit or a deletion of a reply may be in either topic",
}


def order_sources(sources: Iterable[Source]) -> tuple[Source, ...]:
    """Return the sources by topic, edges first, and by partition."""
    names = (FOLLOW_EDGES, *FACTS, *map(dead_letter_topic, FACTS))
    order = {name: place for place, name in enumerate(names)}
    return tuple(sorted(sources, key=lambda each: (order[each.topic], each.partition)))


def losses_since(plan: Plan, spans: Iterable[OffsetRange]) -> tuple[Lost, ...]:
    """Return what the log has lost since the plan was made."""
    begins = {each.partition: each.first for each in spans}
    return tuple(
        Lost(*each.place, before=begins.get(each.place, each.end))
        for each in plan.sources
        if begins.get(each.place, each.end) > each.first
    )


def fix_ends(plan: Plan, spans: Iterable[OffsetRange]) -> Plan:
    """Return the plan up to where the log ends now: live workers write what comes later."""
    firsts = {each.place: each.first for each in plan.sources}
    sources = order_sources(
        Source(topic, number, min(firsts.get(Partition(topic, number), first), end), end)
        for topic, number, first, end in spans
    )
    return replace(plan, sources=sources, events=sum(each.end - each.first for each in sources))


def parse_plan(text: bytes) -> Plan:
    """Return the plan in a file. Raises PlanRefused where there is none, or where it was edited."""
    try:
        fields = msgspec.json.decode(text, type=dict[str, Any])
        digest = fields.pop("digest", None)
        plan = msgspec.json.decode(msgspec.json.encode(fields), type=Plan)
    except msgspec.MsgspecError as error:
        raise PlanRefused(f"not a plan of `mingle replay plan`: {error}") from error
    if digest is None:
        raise PlanRefused("without a digest, as earlier releases made it: plan again")
    if digest != _digest(fields):
        raise PlanRefused("edited since it was made, as its digest shows: plan again, with options")
    return plan


def render_plan(plan: Plan) -> bytes:
    """Return a plan's file, which people can read too."""
    fields = msgspec.json.decode(msgspec.json.encode(plan), type=dict[str, Any])
    fields["digest"] = _digest(fields)
    return msgspec.json.format(msgspec.json.encode(fields), indent=1) + b"\n"


def _digest(fields: dict[str, Any]) -> str:
    """Return the digest of a plan's fields, in whatever order and layout its file has them."""
    return sha256(msgspec.json.encode(fields, order="sorted")).hexdigest()
