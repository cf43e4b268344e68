"""Options and connections that the commands on dead letters share."""

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
from streams.process.doctor import describe_unreachable
from streams.records import Unreadable
from streams.threads import in_thread

REASONS: Final = (*get_args(ViolationReason), *get_args(Unreadable), "refused", "bug")

C = TypeVar("C", bound=Callable[..., None])
R = TypeVar("R")


class DeadLetterIdType(click.ParamType):
    """`posts-dlq:3:17`."""

    name = "dead letter"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> DeadLetterId:
        try:
            return DeadLetterId.parse(value)
        except ValueError:
            self.fail(f"{value!r} is not TOPIC-dlq:PARTITION:OFFSET", param, ctx)


class Instant(click.ParamType):
    """A time in ISO 8601, UTC unless it has an offset, as milliseconds since the epoch."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a time such as 2026-01-31T12:00", param, ctx)
        aware = time if time.tzinfo else time.replace(tzinfo=UTC)
        return int(aware.timestamp() * 1_000)


def ids_argument(function: C) -> C:
    """Add the ids of dead letters."""
    return click.argument("ids", nargs=-1, type=DeadLetterIdType(), metavar="[ID]...")(function)


def dead_letter_filters(function: Callable[..., None]) -> Callable[..., None]:
    """Add ids and filters, passed on as one `wanted`."""

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
        click.option(
            "--topic", type=click.Choice(list(origins().values())), help="Only from this topic."
        ),
        click.option(
            "--reason",
            type=click.Choice(REASONS),
            help="Only with this reason (of the last failure).",
        ),
        click.option("--field", help="Only with this field, as `list` shows it."),
        click.option("--since", type=Instant(), help="Only written then or later (ISO 8601, UTC)."),
        click.option("--until", type=Instant(), help="Only written before."),
        click.option("--limit", type=click.IntRange(min=1), help="This many at most."),
    )
    decorated: Callable[..., None] = command
    for option in reversed(options):
        decorated = option(decorated)
    return decorated


class DeadLetterTools(NamedTuple):
    """Reads dead letters, and knows their resolutions."""

    settings: Settings
    reader: DeadLetterReader
    resolutions: DeadLetterResolutions


def run_with_tools(work: Callable[[DeadLetterTools], Coroutine[Any, Any, R]]) -> R:
    """Run work with both connected. Ends the command where either is away."""
    settings = load_settings()

    async def connected() -> R:
        async with (
            _open_resolutions(settings) as resolutions,
            in_thread(DeadLetterReader(settings.brokers)) as reader,
        ):
            return await work(DeadLetterTools(settings, reader, resolutions))

    return run_async(settings, connected())


def run_async(settings: Settings, work: Coroutine[Any, Any, R]) -> R:
    """Run work and return its result. An error ends the command with one line."""
    try:
        return asyncio.run(work)
    except StoreUnavailable as error:
        raise click.ClickException(describe_unreachable(settings, error)) from error
    except (BrokerUnavailable, NotPublished) as error:
        raise click.ClickException(f"{error} (MINGLE_KAFKA_BOOTSTRAP)") from error
    except MingleError as error:
        raise click.ClickException(str(error)) from error


@asynccontextmanager
async def _open_resolutions(settings: Settings) -> AsyncIterator[DeadLetterResolutions]:
    if settings.store == "memory":
        yield memory_resolutions()
        return
    store = await connect_store(settings, create_metrics())
    try:
        yield cassandra_resolutions(store)
    finally:
        await store.close()
