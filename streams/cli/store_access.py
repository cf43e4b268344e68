"""Connects commands that work on the store itself."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from services.settings.settings import Settings
from services.storage.session import Store
from services.stores import Stores
from streams.bootstrap import Deps, cassandra_stores
from streams.cli.configuration import load_settings
from streams.cli.dead_letter_options import run_async
from streams.process.processes import open_deps

R = TypeVar("R")


def run_on_stores(
    work: Callable[[Deps], Awaitable[R]],
    adapters: Callable[[Store, Settings], Stores] = cassandra_stores,
) -> R:
    """Run work on the stores of the settings and return its result.

    An unavailable store ends the command with one line.
    """
    settings = load_settings()
    expect_cassandra(settings)

    async def on_stores() -> R:
        async with open_deps(settings, adapters) as deps:
            await deps.connect()
            return await work(deps)

    return run_async(settings, on_stores())


def expect_cassandra(settings: Settings) -> None:
    """Raise ClickException where the store is in memory, of which this process sees nothing."""
    if settings.store == "memory":
        raise click.ClickException(
            "MINGLE_STORE: expected cassandra; a store in memory belongs to another process"
        )
