"""`mingle erase`: asks for the erasure of an account, follows it and proves it."""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import click

from schemas.codec import encode
from schemas.ids import UserId
from schemas.relations import AccountErased
from schemas.topics import load_topics
from services.clock import now_us
from services.erasures.store import ErasureState, ErasureStore
from services.erasures.table_scan import Found, scan_tables
from services.verification.erasure import remains_of
from streams.bootstrap import Deps
from streams.cli.output import json_option, print_table, progress_bar
from streams.cli.store_access import run_on_stores
from streams.display.text import format_time
from streams.kafka.retention import Kept, kept_until
from streams.kafka.topics import TopicAdmin
from streams.outbox import Outgoing
from streams.process.processes import open_outbox

POLL_SECONDS: Final = 0.5
PATIENCE_SECONDS: Final = 600
"""The ten minutes that an erasure has."""


class _Proof(NamedTuple):
    """What became of an erasure, what is left of the account, and what the log keeps."""

    state: ErasureState
    remains: Mapping[str, int]
    found: Sequence[Found]
    kept: Sequence[Kept]

    @property
    def is_erased(self) -> bool:
        return self.state.is_done and not self.remains


@click.command("erase")
@click.argument("user", type=click.IntRange(1, 2**63 - 1))
@click.option("--check", is_flag=True, help="Ask for nothing, only look what is left.")
@click.option("--wait", "seconds", type=click.FloatRange(0), default=PATIENCE_SECONDS,
              show_default=True, metavar="SECONDS",
              help="How long to wait until it is done.")  # fmt: skip
@click.option("--scan", is_flag=True, help="Also look through every row of every table.")
@click.option("--rate", type=click.FloatRange(0, min_open=True),
              help="Rows per second that --scan reads, at most.")  # fmt: skip
@json_option
def command(  # noqa: PLR0913 - one for each option
    *, user: int, check: bool, seconds: float, scan: bool, rate: float | None, as_json: bool
) -> None:
    """Erase an account for good, and prove it.

    Publishes `account.erased`, waits until workers have erased the account, and looks what is left
    of it: by its id, and with --scan in every row of every table. Says until when the log keeps its
    messages, topic by topic. Nothing undoes an erasure; it may be asked for again.

    The exit code is 1 if it is not done in time, or if anything is left.
    """
    erased = UserId(user)

    async def work(deps: Deps) -> _Proof:
        if not check:
            await _ask(deps, erased, seconds)
        found: list[Found] = []
        if scan:
            found = await asyncio.to_thread(lambda: list(scan_tables(deps.settings, erased, rate)))
        state = await deps.stores.erasures.state(erased)
        remains = await remains_of(erased, deps.stores)
        left = {name: count for each in found for name, count in each.remains.items()}
        admin = TopicAdmin(deps.settings.brokers)
        topics = await asyncio.to_thread(admin.actual, load_topics())
        return _Proof(state, remains | left, found, kept_until(topics, state.asked_at))

    proof = run_on_stores(work)
    if as_json:
        click.echo(json.dumps(_as_json(erased, proof)))
    else:
        _print(proof)
    sys.exit(0 if proof.is_erased else 1)


async def _ask(deps: Deps, user: UserId, seconds: float) -> None:
    """Publish the fact, and wait until its erasure is done, or for so long."""
    before = await deps.stores.erasures.state(user)
    fact = AccountErased(version=now_us(), owner_id=user)
    async with open_outbox(deps.settings) as outbox:
        await outbox.send([Outgoing(*encode(fact))])
    with progress_bar() as bar:
        bar.add_task("erasing", total=None)
        await _wait(deps.stores.erasures, user, before, seconds)


async def _wait(
    erasures: ErasureStore,
    user: UserId,
    before: ErasureState,
    seconds: float,
    now: Callable[[], float] = time.monotonic,
) -> None:
    deadline = now() + seconds
    while now() < deadline:
        state = await erasures.state(user)
        if state.asked_at > before.asked_at and state.is_done:
            return
        await asyncio.sleep(POLL_SECONDS)


def _as_json(user: UserId, proof: _Proof) -> dict[str, Any]:
    return {
        "user": str(user),
        "erased": proof.is_erased,
        "asked_at": proof.state.asked_at or None,
        "done": proof.state.is_done,
        "remains": dict(proof.remains),
        "tables": {
            each.table: {"rows": each.rows, "holding": dict(each.holding)} for each in proof.found
        },
        "log": [each._asdict() for each in proof.kept],
    }


def _print(proof: _Proof) -> None:
    asked = proof.state.asked_at
    if not asked:
        click.echo("no erasure of this account has been handled")
    elif not proof.state.is_done:
        click.echo(f"asked for {format_time(asked)}, and not done yet; docs/runbook.md, "
                   "MingleErasureLate, says where to look")  # fmt: skip
    else:
        click.echo(f"asked for {format_time(asked)}, and done")
    for what, count in proof.remains.items():
        click.echo(f"left: {count:,} in {what}")
    if not proof.remains:
        click.echo("nothing is left but ids that keep threads together")
    for each in proof.found:
        held = ", ".join(f"{count:,} in {name}" for name, count in each.holding.items())
        click.echo(
            f"  {each.table}: {each.rows:,} rows" + (f"; the id stands {held}" if held else "")
        )
    print_table(
        ("topic", "keeps until", ""),
        (
            (each.topic, "no end" if each.until is None else format_time(each.until), each.why)
            for each in proof.kept
        ),
    )
