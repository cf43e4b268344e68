"""The status of the whole system, for people."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from services.generations.generations import Generation, Generations
from services.settings.settings import Settings
from streams.display.replay import duration, replay_row
from streams.display.text import clean
from streams.kafka.group_status import GroupStatus
from streams.system_status import MOST_COUNTED, SystemStatus


def status_lines(found: SystemStatus, settings: Settings) -> Iterator[RenderableType]:
    """Yield what was found, from what needs somebody most to what is merely good to know."""
    hosts = ", ".join(settings.cassandra_hosts)
    yield Text(f"mingle {found.version} · Kafka {settings.brokers} · Cassandra {hosts}", "bold")
    for problem in found.problems:
        yield Text(f"! {clean(problem)}", "bold red")
    for topic, why in found.brakes.items():
        yield Text(f"! {topic} is braked: {why} (mingle dead-letters resume)", "bold red")
    for group in found.groups:
        if group.lost:
            yield Text(f"! {group.group}: the log lost {group.lost:,} unread messages", "bold red")
    if found.groups:
        yield Text("")
        yield _groups(found.groups)
    if found.migrations_known:
        yield Text("")
        yield _facts(found)


def _groups(groups: list[GroupStatus]) -> Table:
    table = Table("group", "members", "behind", "oldest waits", "where", box=None, pad_edge=False)
    for each in groups:
        behind = {topic: count for topic, count in each.behind.items() if count}
        waits = duration(each.seconds) if behind else ""
        members = ", ".join(each.members) or "nobody"
        where = ", ".join(f"{topic} {count:,}" for topic, count in behind.items())
        table.add_row(
            each.group,
            f"{clean(members)} ({each.state})",
            f"{sum(behind.values()):,}",
            waits,
            where,
        )
    return table


def _facts(found: SystemStatus) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_row("brakes", "all off" if not found.brakes else ", ".join(found.brakes))
    table.add_row("dead letters", _dead_letters(found))
    if found.generations is not None:
        known = found.generations
        states = (f"{each.name} ({_state(each, known)})" for each in known.listed)
        table.add_row("generations", ", ".join(states))
    for group in found.replays:
        name, _, members = replay_row(group)
        table.add_row("replay", f"{name}: {clean(members)}")
    table.add_row("migrations", f"{found.migrations_applied} of {found.migrations_known}")
    return table


def _state(generation: Generation, known: Generations) -> str:
    if generation.name == known.live:
        return "read"
    return "written" if generation.whole else f"filled by replay {generation.replay}"


def _dead_letters(found: SystemStatus) -> str:
    if found.open is None:
        kept = sum(found.kept.values())
        return f"{kept:,} kept, more than the {MOST_COUNTED:,} that are looked through here"
    named = ", ".join(f"{topic} {count:,}" for topic, count in found.open.items() if count)
    return named or "none is open"
