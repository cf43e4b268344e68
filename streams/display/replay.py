"""A replay's plan and progress, for people."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from rich.table import Table

from streams.display.text import format_time
from streams.kafka.group_status import GroupStatus
from streams.replay.plan import LIVE, REPLAY_GROUPS, Plan
from streams.replay.progress import Progress
from streams.replay.result import ReplayResult
from streams.replay.session import ReplayStatus

MAX_NAMED: Final = 20
"""Partitions that are named; the others are counted."""


def plan_table(plan: Plan, rate: float | None = None) -> Table:
    """Return what a plan does, a line for each fact."""
    table = Table.grid(padding=(0, 2))
    about = "about " if plan.estimated else ""
    offsets = Counter[str]()
    parts = Counter(source.topic for source in plan.sources)
    for source in plan.sources:
        offsets[source.topic] += source.end - source.first
    rows = [("replay", plan.name), ("made", format_time(plan.made_at)), ("into", _into(plan))]
    rows += [
        (f"from {topic}", f"{count:,} offsets in {parts[topic]} partitions")
        for topic, count in offsets.items()
    ]
    rows += [("only", only) for only in _chosen(plan)]
    rows += [
        ("applies", f"{about}{plan.chosen:,} events, {about}{plan.deliveries:,} deliveries"),
        ("takes", f"about {duration(plan.seconds(rate))} in one process"),
        ("costs", f"about {plan.store_requests:,} store requests"),
    ]
    if plan.edges is not None:
        rows.append(("edges", f"also from the snapshot of {format_time(plan.edges.began_at)}"))
    if plan.edges_first:
        rows.append(("order", "edges first, then every post once to all its followers"))
    for name, value in rows:
        table.add_row(name, value)
    return table


def loss_warning(plan: Plan) -> str:
    """Return what the log no longer holds, what replaces it, and what is lost."""
    sentences = [f"WARNING: the log no longer holds what this needs: {_named(plan.lost)}."]
    if any(each.topic == "follows" for each in plan.lost):
        sentences.append(_edges_instead(plan))
    if plan.gone:
        sentences.append(
            f"No replay can recover: {_named(plan.gone)}. Only the store may still have it: "
            "`mingle rebuild --all` writes homes from the store's own posts; posts and edges that "
            "the store has lost as well are gone."
        )
    else:
        sentences.append("So nothing is missing.")
    return " ".join(sentences)


def _edges_instead(plan: Plan) -> str:
    if plan.edges is None:
        return (
            "There is no whole snapshot of edges: `mingle replay snapshot-edges` saves what the "
            "store still has."
        )
    return (
        f"{plan.edges.edges:,} edges are read from the snapshot of "
        f"{format_time(plan.edges.began_at)}, then the rest from follows."
    )


def _named(places: Iterable[object]) -> str:
    named = [str(each) for each in dict.fromkeys(places)]
    more = f"; and {len(named) - MAX_NAMED} more" if len(named) > MAX_NAMED else ""
    return "; ".join(named[:MAX_NAMED]) + more


def _into(plan: Plan) -> str:
    if plan.into == LIVE:
        return "live tables"
    return f"generation {plan.into}, up to the end of the log when all workers write it"


def _chosen(plan: Plan) -> list[str]:
    choice = plan.choice
    if choice.author is not None:
        return [f"what user {choice.author} wrote"]
    if choice.user is not None:
        return [f"what is by or about user {choice.user}"]
    if choice.conversation is not None:
        return [f"the {len(choice.posts):,} posts of the conversation of {choice.conversation}"]
    return []


def progress_line(so_far: Progress, seconds_left: float | None, waits: str) -> str:
    """Return how far a replay is, in a line."""
    left = "" if seconds_left is None else f", {duration(seconds_left)} left"
    pause = f"; waits for {waits}" if waits else ""
    return f"{so_far.done:,} of {so_far.total:,} offsets ({so_far.ratio:.1%}){left}{pause}"


def describe_result(result: ReplayResult) -> str:
    """Return what one process of a replay did, in a line."""
    return (
        f"this process wrote {result.entries:,} entries with {result.store_requests:,} store "
        f"requests in {duration(result.seconds)}"
    )


def describe_runners(status: ReplayStatus) -> str:
    """Return who runs a replay, at what rate, and why it may wait."""
    if not status.members:
        return "nobody runs it"
    who = ", ".join(status.members[:MAX_NAMED])
    rate = "" if status.rate is None else f", {status.rate:,.0f} offsets/s"
    line = f"{len(status.members)} processes run it ({who}){rate}"
    if status.live_behind < 1:
        return line
    return (
        f"{line}; live workers are {duration(status.live_behind)} behind, and it waits while that "
        "is above its --live-lag"
    )


def replay_of(group: str) -> str:
    """Return the name of the replay whose progress a group keeps."""
    return group.removeprefix(REPLAY_GROUPS)


def replay_row(group: GroupStatus) -> tuple[str, str, str]:
    """Return a replay as a line of a table: its name, and who runs it."""
    members = ", ".join(group.members[:MAX_NAMED]) or "nobody runs it"
    return replay_of(group.group), str(len(group.members)), members


def duration(seconds: float) -> str:
    """Return a duration rounded to seconds, minutes or tenths of an hour."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3_600:.1f} h"
