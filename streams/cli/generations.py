"""`mingle generations`, and `replay cutover|rollback|retire` to change what it lists."""

import json
import re
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import Any, Final

import click
import msgspec

from services.generations.generations import NAME_PATTERN, Generations
from services.generations.view import FRESH_SECONDS
from streams.acknowledgement import change_generations
from streams.bootstrap import Deps
from streams.cli.output import json_output
from streams.cli.store_access import run_on_stores
from streams.replay.generation import retire_generation
from streams.replay.live import LiveGroups
from streams.threads import in_thread


class GenerationName(click.ParamType):
    """`b`, `second`, `live`."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if re.fullmatch(NAME_PATTERN, str(value)) is None:
            self.fail(f"{value!r}: expected up to 16 lower-case letters and digits, a letter first",
                      param, ctx)  # fmt: skip
        return str(value)


_named: Final = click.argument("generation", type=GenerationName(), metavar="GENERATION")
_as_json: Final = json_output("Print the list of generations as a JSON object.")


@click.command("cutover")
@_named
@_as_json
def cutover(generation: str, as_json: bool) -> None:
    """Read homes from a generation whose replay is over.

    All readers switch at once: each page is of one generation, and every page that begins a second
    later is of this one. Cursors stay valid. The other generations are still written, so that
    `rollback` loses nothing.
    """
    _report(_change(lambda known: known.cutover(generation)), as_json)


@click.command("rollback")
@_as_json
def rollback(as_json: bool) -> None:
    """Undo the last cutover: read homes from the generation that was read before."""
    _report(_change(Generations.rollback), as_json)


@click.command("retire")
@_named
@_as_json
def retire(generation: str, as_json: bool) -> None:
    """Stop writing a generation, and drop its tables.

    Refused for the one that is read, and while a replay fills it; the plan of that replay cannot be
    run again. Waits until all live workers have acknowledged, and until
    whatever began before must be over.
    """

    async def work(deps: Deps) -> Generations:
        async with in_thread(closing(LiveGroups(deps.settings.brokers))) as live:
            return await retire_generation(
                deps.generations, generation, live.members, live.group_members,
                request_seconds=deps.settings.store_timeout_seconds,
                on_progress=partial(click.echo, err=True),
            )  # fmt: skip

    _report(run_on_stores(work), as_json)


@click.command("generations")
@_as_json
def command(as_json: bool) -> None:
    """List the generations of homes.

    Says which is read and which are written. Changes nothing.
    """

    async def work(deps: Deps) -> Generations:
        return await deps.generations.load()

    _print(run_on_stores(work), as_json)


COMMANDS: Final = (cutover, rollback, retire)


def _change(change: Callable[[Generations], Generations]) -> Generations:
    async def work(deps: Deps) -> Generations:
        return await change_generations(deps.generations, change)

    return run_on_stores(work)


def _report(known: Generations, as_json: bool) -> None:
    _print(known, as_json)
    if not as_json:
        click.echo(f"every page that begins {FRESH_SECONDS:g} s from now is of {known.live}")


def _print(known: Generations, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(known)))
        return
    for each in known.listed:
        state = "read" if each.name == known.live else "written"
        if not each.whole:
            state = f"filled by replay {each.replay}"
        click.echo(f"{each.name}: {state if each.is_written else 'retiring'}")
