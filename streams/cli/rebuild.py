"""`mingle rebuild`: rebuilds home timelines from author timelines."""

import json
import time
from collections.abc import AsyncIterator

import click

from schemas.ids import UserId
from services.handlers.rebuild import Rebuild
from streams.bootstrap import Deps, repair_stores
from streams.cli.output import json_option, progress_bar
from streams.cli.store_access import run_on_stores
from streams.pace import Pace
from streams.verification import USERS_AT_ONCE, scan_users


@click.command("rebuild")
@click.argument("users", nargs=-1, type=click.IntRange(min=1), metavar="USER...")
@click.option("--all", "all_", is_flag=True, help="All users who follow somebody or ever posted.")
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Users per second, at most.")
@json_option
def command(users: tuple[int, ...], all_: bool, rate: float | None, as_json: bool) -> None:
    """Rebuild home timelines from author timelines.

    Adds to each home the posts of the user and their followees within the retention that are
    missing there. Nothing is removed: entries that do not belong there are not shown anyway. It
    may run at any time, and again after an interruption.
    """
    if bool(users) == all_:
        raise click.UsageError("give users, or --all")
    started = time.monotonic()

    async def work(deps: Deps) -> int:
        rebuild, done = Rebuild(deps.stores, deps.retention, deps.clock), 0
        with progress_bar() as bar:
            task = bar.add_task("users", total=None if all_ else len(users))
            pace = Pace(rate)
            async for batch in scan_users(deps) if all_ else _batches(users):
                async for portion in pace.portions(batch, len(batch)):
                    await rebuild(portion)
                    done += len(portion)
                    bar.update(task, advance=len(portion))
        return done

    done = run_on_stores(work, repair_stores)
    seconds = time.monotonic() - started
    if as_json:
        click.echo(json.dumps({"users": done, "seconds": round(seconds, 3)}))
    else:
        click.echo(f"{done:,} home {'timeline' if done == 1 else 'timelines'} rebuilt"
                   f" in {seconds:.1f} s")  # fmt: skip


async def _batches(users: tuple[int, ...]) -> AsyncIterator[list[UserId]]:
    distinct = [UserId(each) for each in dict.fromkeys(users)]
    for start in range(0, len(distinct), USERS_AT_ONCE):
        yield distinct[start : start + USERS_AT_ONCE]
