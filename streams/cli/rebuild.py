"""`mingle rebuild`: home timelines, written anew from author timelines."""

import json
import time
from collections.abc import AsyncIterator

import click

from schemas.ids import UserId
from streams.bootstrap import Deps, repair_stores
from streams.cli.progress import progress_bar
from streams.cli.store_access import run_on_stores
from streams.pace import Pace
from streams.verification import USERS_AT_ONCE, create_rebuild, scan_users


@click.command("rebuild")
@click.argument("users", nargs=-1, type=click.IntRange(min=1), metavar="USER...")
@click.option("--all", "all_", is_flag=True, help="Everybody who follows somebody or ever wrote.")
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Users per second, at most.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as a JSON object.")
def command(users: tuple[int, ...], all_: bool, rate: float | None, as_json: bool) -> None:
    """Write home timelines anew from author timelines.

    What a user and those he follows wrote within the retention is written into his home timeline,
    where it is not there already. Nothing is removed: what nobody owes him is not shown anyway.
    It may be run at any time and again, also when it was interrupted.
    """
    if bool(users) == all_:
        raise click.UsageError("name users, or give --all")
    started = time.monotonic()

    async def work(deps: Deps) -> int:
        rebuild, done = create_rebuild(deps), 0
        with progress_bar() as bar:
            task = bar.add_task("users", total=None if all_ else len(users))
            pace = Pace(rate)
            async for some in scan_users(deps) if all_ else _portions(users):
                async for portion in pace.portions(some, len(some)):
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


async def _portions(users: tuple[int, ...]) -> AsyncIterator[list[UserId]]:
    distinct = [UserId(each) for each in dict.fromkeys(users)]
    for start in range(0, len(distinct), USERS_AT_ONCE):
        yield distinct[start : start + USERS_AT_ONCE]
