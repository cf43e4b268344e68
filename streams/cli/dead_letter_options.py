"""What the commands on dead letters share: which letters, and where they are."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import wraps
from typing import Any, Final, NamedTuple, TypeVar, get_args

import click

from schemas.errors import ViolationReason
from services.errors import BrokerUnavailable, MingleError, StoreUnavailable
from services.settings.settings import Settings
from streams.bootstrap import (
    cassandra_resolutions,
    connect_store,
    create_metrics,
    memory_resolutions,
)
from streams.cli.configuration import load_settings
from streams.dead_letters.reader import DeadLetterReader
from streams.dead_letters.search import DeadLetterFilter
from streams.dead_letters.store import DeadLetterResolutions
from streams.dead_letters.stored import DeadLetterId, origins
from streams.kafka.publisher import NotPublished
from streams.process.doctor import unreachable

REASONS: Final = (*get_args(ViolationReason), "refused", "bug")

C = TypeVar("C", bound=Callable[..., None])
R = TypeVar("R")


class DeadLetterIdType(click.ParamType):
    """`posts-dlq:3:17`."""

    name = "letter"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> DeadLetterId:
        try:
            return DeadLetterId.parse(value)
        except ValueError:
            self.fail(f"{value!r} is not TOPIC-dlq:PARTITION:OFFSET", param, ctx)


class Instant(click.ParamType):
    """A time in ISO 8601, UTC unless it says otherwise, as milliseconds since the epoch."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            given = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a time such as 2026-01-31T12:00", param, ctx)
        aware = given if given.tzinfo else given.replace(tzinfo=UTC)
        return int(aware.timestamp() * 1_000)


def ids_argument(function: C) -> C:
    """Letters by their ids."""
    return click.argument("ids", nargs=-1, type=DeadLetterIdType(), metavar="[LETTER]...")(function)


def dead_letter_filters(function: Callable[..., None]) -> Callable[..., None]:
    """Ids and filters, as one `wanted`."""

    @wraps(function)
    def command(  # noqa: PLR0913 - one for each option
        *,
        ids: tuple[DeadLetterId, ...],
        topic: str | None,
        reason: str | None,
        field: str | None,
        since: int | None,
        until: int | None,
        limit: int | None,
        **others: Any,
    ) -> None:
        function(wanted=DeadLetterFilter(ids, topic, reason, field, since, until, limit), **others)

    options = (
        ids_argument,
        click.option("--topic", type=click.Choice(list(origins().values())), help="From it only."),
        click.option("--reason", type=click.Choice(REASONS), help="Of the last burial."),
        click.option("--field", help="Likewise, as `list` shows it."),
        click.option("--since", type=Instant(), help="Buried then or later (ISO 8601, UTC)."),
        click.option("--until", type=Instant(), help="Buried before."),
        click.option("--limit", type=click.IntRange(min=1), help="So many at most."),
    )
    decorated: Callable[..., None] = command
    for option in reversed(options):
        decorated = option(decorated)
    return decorated


class DeadLetterTools(NamedTuple):
    """Where letters are read, and where it is kept what became of them."""

    settings: Settings
    reader: DeadLetterReader
    settled: DeadLetterResolutions


def run_with_tools(work: Callable[[DeadLetterTools], Coroutine[Any, Any, R]]) -> R:
    """Do it with both connected; ends the command where one is away."""
    settings = load_settings()

    async def connected() -> R:
        async with _settled(settings) as settled:
            with DeadLetterReader(settings.brokers) as reader:
                return await work(DeadLetterTools(settings, reader, settled))

    return run_async(settings, connected())


def run_async(settings: Settings, work: Coroutine[Any, Any, R]) -> R:
    """What it returns; what is away ends the command with one line."""
    try:
        return asyncio.run(work)
    except StoreUnavailable as error:
        raise click.ClickException(unreachable(settings, error)) from error
    except (BrokerUnavailable, NotPublished) as error:
        raise click.ClickException(f"{error} (MINGLE_KAFKA_BOOTSTRAP)") from error
    except MingleError as error:
        raise click.ClickException(str(error)) from error


@asynccontextmanager
async def _settled(settings: Settings) -> AsyncIterator[DeadLetterResolutions]:
    if settings.store == "memory":
        yield memory_resolutions()
        return
    store = await connect_store(settings, create_metrics())
    try:
        yield cassandra_resolutions(store)
    finally:
        await store.close()
