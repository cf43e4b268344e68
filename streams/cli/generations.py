"""`mingle replay cutover|rollback|retire`: which generation of homes is read, which are kept."""

import asyncio
import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from functools import partial
from typing import Any, Final

import click
import msgspec

from services.generations.generations import NAME, Generations
from services.generations.store import GenerationStore
from services.generations.view import FRESH_SECONDS
from services.settings.settings import Settings
from streams.bootstrap import Deps
from streams.cli.configuration import load_settings
from streams.cli.store_access import expect_cassandra, run_on_stores
from streams.kafka.reader import OffsetRange, TopicReader
from streams.progress import ProgressCallback
from streams.replay.acknowledgement import change_generations
from streams.replay.generation import (
    fix_ends,
    list_generation,
    mark_filled,
    retire_generation,
)
from streams.replay.live import LiveGroups
from streams.replay.plan import LIVE, Plan
from streams.verification import create_rebuild, scan_users


class GenerationName(click.ParamType):
    """`b`, `second`, `live`."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if re.fullmatch(NAME, str(value)) is None:
            self.fail(f"{value!r}: expected a letter, then up to 15 letters and digits, all small",
                      param, ctx)  # fmt: skip
        return str(value)


_named: Final = click.argument("generation", type=GenerationName(), metavar="GENERATION")
_as_json: Final = click.option(
    "--json", "as_json", is_flag=True, help="Print the list of generations as a JSON object."
)


@click.command("cutover")
@_named
@_as_json
def cutover(generation: str, as_json: bool) -> None:
    """Have homes read from a generation whose replay is over.

    For all readers at once: each page is of one generation, and every page that begins a second
    later is of this one. Cursors stay valid. The other generations are written on, so `rollback`
    loses nothing.
    """
    _report(_change(lambda known: known.cutover(generation)), as_json)


@click.command("rollback")
@_as_json
def rollback(as_json: bool) -> None:
    """Have homes read from the generation again that was read before the last cutover."""
    _report(_change(Generations.rollback), as_json)


@click.command("retire")
@_named
@_as_json
def retire(generation: str, as_json: bool) -> None:
    """Write a generation no more, and take its tables away.

    Not the one that is read. Waits until all live workers know, and until nothing that began
    before can be under way.
    """
    settings = load_settings()
    expect_cassandra(settings)

    async def work(deps: Deps) -> Generations:
        with _live(settings) as live:
            return await retire_generation(
                generations_of(deps), generation, live.members,
                request_seconds=settings.store_timeout_seconds,
                on_progress=partial(click.echo, err=True),
            )  # fmt: skip

    _report(run_on_stores(work), as_json)


COMMANDS: Final = (cutover, rollback, retire)


def generations_of(deps: Deps) -> GenerationStore:
    """The list of generations, which every store but one in memory has."""
    assert deps.generations is not None
    return deps.generations


def generation_of(plan: Plan) -> str | None:
    """The one that a plan is about; None is whatever is listed."""
    return None if plan.into == LIVE else plan.into


def is_filled(plan: Plan) -> bool:
    """Whether the plan's generation holds all that is owed; so do live tables."""
    if plan.into == LIVE:
        return True

    async def work(deps: Deps) -> bool:
        found = (await generations_of(deps).load()).get(plan.into)
        return found is not None and found.whole and found.replay == plan.name

    return run_on_stores(work)


async def prepare_generation(
    plan: Plan, deps: Deps, live: LiveGroups, on_progress: ProgressCallback[str]
) -> Plan:
    """The plan, its generation written by all live workers and its ends fixed.

    Raises GenerationRefused, NotAcknowledged, StoreUnavailable and BrokerUnavailable.
    """
    await list_generation(generations_of(deps), plan, live.members, on_progress)
    return fix_ends(plan, await asyncio.to_thread(_spans, deps.settings, plan))


async def complete_generation(plan: Plan, deps: Deps, on_progress: ProgressCallback[str]) -> None:
    """The plan's replay is over: its generation is whole, and may be cut over to.

    What the log lacks is written from the store's own posts first, so that a cutover loses nothing
    that was shown. Raises GenerationRefused and StoreUnavailable.
    """
    if plan.gone:
        on_progress("what the log lacks: homes are rebuilt from the store's own posts")
        rebuild = create_rebuild(deps)
        async for some in scan_users(deps):
            await rebuild(some)
    await mark_filled(generations_of(deps), plan)


def _spans(settings: Settings, plan: Plan) -> list[OffsetRange]:
    with TopicReader(settings.brokers) as reader:
        return reader.spans(dict.fromkeys(each.topic for each in plan.sources))


def _live(settings: Settings) -> AbstractContextManager[LiveGroups]:
    return closing(LiveGroups(settings.brokers))


def _change(change: Callable[[Generations], Generations]) -> Generations:
    async def work(deps: Deps) -> Generations:
        return await change_generations(generations_of(deps), change)

    return run_on_stores(work)


def _report(known: Generations, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(known)))
        return
    for each in known.listed:
        state = "read" if each.name == known.live else "written"
        if not each.whole:
            state = f"filled by replay {each.replay}"
        click.echo(f"{each.name}: {state if each.is_written else 'retiring'}")
    click.echo(f"every page that begins {FRESH_SECONDS:g} s from now is of {known.live}")
