"""One look at the whole system, from wherever Kafka and Cassandra can be reached."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Final

from services.errors import MingleError
from services.generations.generations import Generations
from services.settings.settings import Settings
from services.storage.migrations import available_migrations, migrate
from streams.bootstrap import (
    cassandra_brakes,
    cassandra_generations,
    cassandra_resolutions,
    connect_store,
    create_metrics,
)
from streams.dead_letters.reader import DeadLetterReader
from streams.dead_letters.search import DeadLetterFilter, search_dead_letters
from streams.dead_letters.stored import origins
from streams.kafka.group_status import GroupAdmin, GroupStatus, status_of_role
from streams.replay.plan import FACTS, REPLAY_GROUPS
from streams.routes import BRAKES, ROLES
from streams.threads import in_thread

MOST_COUNTED: Final = 20_000
"""Dead letters that are read to see which are open; of more only their number is given."""


@dataclass
class SystemStatus:
    """A look at the system; a part that could not be asked is empty, and named in `problems`."""

    version: str = field(default_factory=lambda: version("mingle"))
    problems: list[str] = field(default_factory=list)
    groups: list[GroupStatus] = field(default_factory=list)
    """The group of each role."""
    replays: list[GroupStatus] = field(default_factory=list)
    """The groups of replays; `behind` counts all that the log has, in their plans or not."""
    kept: Mapping[str, int] = field(default_factory=dict)
    """Offsets of the dead-letter topics, by the topic whose messages they took."""
    open: Mapping[str, int] | None = None
    """Dead letters neither redriven nor dropped; None where more than MOST_COUNTED are kept."""
    brakes: Mapping[str, str] = field(default_factory=dict)
    """The brakes that are on, and why."""
    generations: Generations | None = None
    migrations_applied: int = 0
    migrations_known: int = 0
    """By this version of the program; 0 where the store was not asked."""


async def load_system_status(settings: Settings) -> SystemStatus:
    """Ask Kafka and Cassandra. Changes nothing; what does not answer becomes a problem."""
    found = SystemStatus()
    with _noting(found, "Kafka"):
        await asyncio.to_thread(_ask_groups, GroupAdmin(settings.brokers), found)
    with _noting(found, "Cassandra"):
        await _ask_store(settings, found)
    return found


async def load_replays(settings: Settings) -> Sequence[GroupStatus]:
    """Return the groups of replays that the brokers know. Raises BrokerUnavailable."""
    return await asyncio.to_thread(_replays, GroupAdmin(settings.brokers))


@contextmanager
def _noting(found: SystemStatus, what: str) -> Iterator[None]:
    try:
        yield
    except MingleError as error:
        found.problems.append(f"{what}: {error}")


def _ask_groups(admin: GroupAdmin, found: SystemStatus) -> None:
    found.groups.extend(status_of_role(admin, role) for role in ROLES)
    found.replays.extend(_replays(admin))


def _replays(admin: GroupAdmin) -> list[GroupStatus]:
    return [admin.status(group, FACTS) for group in admin.groups(REPLAY_GROUPS)]


async def _ask_store(settings: Settings, found: SystemStatus) -> None:
    if settings.store == "memory":
        found.problems.append("MINGLE_STORE=memory: only its own process knows what it holds")
        return
    known = available_migrations()
    missing = await migrate(settings, known, dry_run=True)
    found.migrations_known = len(known)
    found.migrations_applied = len(known) - len(missing)
    if missing:
        found.problems.append("migrations are not applied: run `mingle migrate`")
        return
    store = await connect_store(settings, create_metrics())
    try:
        states = await cassandra_brakes(store).load(BRAKES)
        found.brakes = {topic: str(state.engaged) for topic, state in states.items() if state.is_on}
        found.generations = await cassandra_generations(store, settings).load()
        async with in_thread(DeadLetterReader(settings.brokers)) as reader:
            kept, topics = Counter[str](), origins()
            for span in await asyncio.to_thread(reader.spans, topics):
                kept[topics[span.topic]] += span.end - span.first
            found.kept = kept
            if kept.total() <= MOST_COUNTED:
                open_ = Counter[str]()
                resolutions = cassandra_resolutions(store)
                async for some in search_dead_letters(reader, DeadLetterFilter(), resolutions):
                    open_.update(topics[each.dead_letter.id.topic] for each in some)
                found.open = open_
    finally:
        await store.close()
