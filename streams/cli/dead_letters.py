"""`mingle dead-letters`: list, show, redrive, drop and skip what could not be handled."""

import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Final, TypeVar, get_args

import click

from streams.bootstrap import cassandra_brakes, connect_store, create_metrics
from streams.cli import dead_letter_skip
from streams.cli.configuration import load_settings
from streams.cli.dead_letter_options import (
    DeadLetterTools,
    dead_letter_filters,
    ids_argument,
    run_async,
    run_with_tools,
)
from streams.cli.output import json_output, text_console
from streams.dead_letters.redrive import drop, leave_out_cut, redrive
from streams.dead_letters.search import DeadLetterFilter, FoundDeadLetter, search_dead_letters
from streams.dead_letters.store import Resolution
from streams.dead_letters.stored import DeadLetterId, StoredDeadLetter
from streams.delivery.brake.store import BrakeState
from streams.display.dead_letters import (
    Counts,
    count_table,
    dead_letter_details,
    dead_letter_details_json,
    dead_letter_json,
    dead_letter_table,
    describe_cut,
)
from streams.kafka.publisher import Publisher
from streams.routes import BRAKES
from streams.threads import in_thread

SHOWN: Final = 200
"""Lines of a table, which is held in memory. `--json` prints all."""
RESOLUTIONS: Final[tuple[Resolution, ...]] = get_args(Resolution)

MOST_TOLERATED: Final = 10_000_000
"""More bad messages than a person would wait for; without a bound the brake would be off."""

Action = Callable[[DeadLetterTools, Counts], Coroutine[Any, Any, None]]
F = TypeVar("F", bound=Callable[..., None])


def _apply_option(function: F) -> F:
    return click.option(
        "--apply", is_flag=True, help="Do it; otherwise only say what would be done."
    )(function)


@click.group("dead-letters")
def command() -> None:
    """See, send back or drop messages that could not be handled.

    Also release the brakes of topics with too many of them.

    Dead letters are kept for 30 days in the topics TOPIC-dlq. The id of a dead letter is its
    position there, such as posts-dlq:3:17. Cassandra remembers which ones were redriven or dropped,
    and these are not listed again. With MINGLE_STORE=memory dead letters can be read without
    Cassandra, and nothing is remembered.
    """


command.add_command(dead_letter_skip.command)


@command.command("list")
@dead_letter_filters
@click.option(
    "--all", "include_resolved", is_flag=True, help="Also those that were redriven or dropped."
)
@click.option("--summary", is_flag=True, help="Print only the counts by topic and reason.")
@json_output("Print JSON Lines, one dead letter each; with --summary a JSON object.")
def list_(wanted: DeadLetterFilter, include_resolved: bool, summary: bool, as_json: bool) -> None:
    """List dead letters, and count them by topic and reason."""
    counts: Counts = Counter()
    rows: list[FoundDeadLetter] = []

    async def look(tools: DeadLetterTools) -> None:
        meant = wanted._replace(include=RESOLUTIONS if include_resolved else ())
        async for some in search_dead_letters(tools.reader, meant, tools.resolutions):
            _count(counts, [each.dead_letter for each in some])
            if as_json and not summary:
                for each in some:
                    click.echo(json.dumps(dead_letter_json(each), ensure_ascii=False))
            elif not summary:
                rows.extend(some[: SHOWN - len(rows)])

    run_with_tools(look)
    if not as_json and rows:
        text_console(for_tables=True).print(dead_letter_table(rows))
        if len(rows) < counts.total():
            click.echo(f"and {counts.total() - len(rows):,} more (--json prints all)")
    if summary or not as_json:
        _report(counts, "listed", as_json)


@command.command("show")
@ids_argument
@json_output("Print JSON Lines.")
def show(ids: tuple[DeadLetterId, ...], as_json: bool) -> None:
    """Show dead letters in full.

    Where each came from, why it failed, now and earlier, its headers, and its value as text, or
    in hex where it is not UTF-8. The exit code is 1 where a dead letter is not found.
    """
    if not ids:
        raise click.UsageError("expected at least one id, as `mingle dead-letters list` prints it")
    shown: set[DeadLetterId] = set()

    async def look(tools: DeadLetterTools) -> None:
        async for some in search_dead_letters(
            tools.reader, DeadLetterFilter(ids, include=RESOLUTIONS), tools.resolutions
        ):
            for each in some:
                shown.add(each.dead_letter.id)
                if as_json:
                    click.echo(json.dumps(dead_letter_details_json(each), ensure_ascii=False))
                else:
                    text_console(for_tables=True).print(dead_letter_details(each.dead_letter), "")

    run_with_tools(look)
    _report_missing(ids, shown)


@command.command("redrive")
@dead_letter_filters
@_apply_option
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Messages per second.")
@click.option("--dropped", "include_dropped", is_flag=True, help="Also those that were dropped.")
@json_output("Print the counts as a JSON object.")
def redrive_(
    wanted: DeadLetterFilter,
    apply: bool,
    rate: float | None,
    include_dropped: bool,
    as_json: bool,
) -> None:
    """Send dead letters back to the topics they came from.

    With their keys, values, headers and times; what could not be read has left no message, and
    stays listed. A message that fails again becomes a dead letter
    again and keeps the history of its failures. If interrupted, run it again: it continues, and
    sends at most one second's messages twice, which changes nothing.

    Dead letters that were cut, as their messages were too large, are refused; the exit code is 1.
    """
    include: tuple[Resolution, ...] = ("dropped",) if include_dropped else ()
    wanted = wanted._replace(redrivable=True, include=include)
    left_out: Counter[str] = Counter()

    def refuse(cut: StoredDeadLetter) -> None:
        left_out["cut"] += 1
        click.echo(f"Error: {describe_cut(cut)}", err=True)

    def search(tools: DeadLetterTools) -> AsyncIterator[list[FoundDeadLetter]]:
        found = search_dead_letters(
            tools.reader, wanted, tools.resolutions, lambda each: left_out.update((each,))
        )
        return leave_out_cut(found, refuse)

    async def look(tools: DeadLetterTools, counts: Counts) -> None:
        await _count_all(search(tools), counts)

    async def send(tools: DeadLetterTools, counts: Counts) -> None:
        found = search(tools)
        async with in_thread(Publisher(tools.settings.brokers)) as sender:
            await redrive(
                found, sender, tools.resolutions, partial(_count, counts), per_second=rate,
            )  # fmt: skip

    _resolve(send if apply else look, apply, "redriven", as_json)
    if dropped := left_out["dropped"]:
        click.echo(f"{dropped:,} more were dropped: add --dropped", err=True)
    sys.exit(1 if left_out["cut"] else 0)


@command.command("drop")
@dead_letter_filters
@_apply_option
@click.option("--all", "meant_all", is_flag=True, help="Drop all; needed without id and filter.")
@json_output("Print the counts as a JSON object.")
def drop_(wanted: DeadLetterFilter, apply: bool, meant_all: bool, as_json: bool) -> None:
    """Drop dead letters: do not list them again.

    Kafka still keeps them for their 30 days, and `redrive --dropped` can send them.
    """
    if meant_all != (wanted == DeadLetterFilter()) and (apply or meant_all):
        raise click.UsageError("expected ids, a filter or --all, and not --all with one of them")

    async def look(tools: DeadLetterTools, counts: Counts) -> None:
        found = search_dead_letters(tools.reader, wanted, tools.resolutions)
        await _count_all(found, counts)

    async def drop_found(tools: DeadLetterTools, counts: Counts) -> None:
        found = search_dead_letters(tools.reader, wanted, tools.resolutions)
        await drop(found, tools.resolutions, partial(_count, counts))

    _resolve(drop_found if apply else look, apply, "dropped", as_json)


@command.command("resume")
@click.argument("topics", nargs=-1, type=click.Choice(BRAKES), metavar="TOPIC...")
@click.option(
    "--tolerate",
    type=click.IntRange(0, MOST_TOLERATED),
    default=0,
    help="Dead letters that each worker leaves out of its count: about as many as are to come.",
)
@json_output("Print the released topics as a JSON array.")
def resume(topics: tuple[str, ...], tolerate: int, as_json: bool) -> None:
    """Release the brakes of the named topics, or all brakes.

    A topic is braked when more than 1 % of its latest 10,000 messages, or 500 in a row, became
    dead letters. Messages that only the search could not handle brake only the search:
    posts@search, replies@search. Fix the cause first. Workers resume within seconds and start to
    count afresh; where it is known how many bad messages are still to come, --tolerate lets each
    worker pass by that many. If a named topic is not braked, the exit code is 1; the others are
    released.
    """
    settings = load_settings()
    if settings.store == "memory":
        raise click.ClickException("with MINGLE_STORE=memory a brake ends with its worker process")

    async def release() -> dict[str, BrakeState]:
        store = await connect_store(settings, create_metrics())
        try:
            brakes = cassandra_brakes(store)
            states = await brakes.load(topics or BRAKES)
            for topic, state in states.items():
                if state.is_on and state.engaged is not None:
                    await brakes.release(topic, state.engaged.number, tolerate)
            return states
        finally:
            await store.close()

    states = run_async(settings, release())
    released = {topic: state for topic, state in states.items() if state.is_on}
    if as_json:
        click.echo(json.dumps(list(released)))
    else:
        for topic, state in released.items():
            click.echo(f"{topic} goes on; it was braked for {state.engaged}")
        if not released and not topics:
            click.echo("no topic is braked")
    for topic in topics:
        if topic not in released:
            click.echo(f"Error: {topic} is not braked", err=True)
    sys.exit(1 if set(topics) - set(released) else 0)


def _resolve(action: Action, apply: bool, done: str, as_json: bool) -> None:
    """Run the action, which only looks unless `apply`; report, also when it ends early."""
    counts: Counts = Counter()
    try:
        run_with_tools(lambda tools: action(tools, counts))
    finally:
        _report(counts, done if apply else f"would be {done}", as_json)
    if not apply and counts and not as_json:
        click.echo("nothing was done: add --apply")


async def _count_all(found: AsyncIterator[list[FoundDeadLetter]], counts: Counts) -> None:
    async for some in found:
        _count(counts, [each.dead_letter for each in some])


def _count(counts: Counts, dead_letters: Sequence[StoredDeadLetter]) -> None:
    counts.update((each.topic, each.failures()[-1].reason) for each in dead_letters)


def _report(counts: Counts, done: str, as_json: bool) -> None:
    """Print the counts by topic and reason."""
    if as_json:
        by = [
            {"topic": topic, "reason": reason, "letters": number}
            for (topic, reason), number in counts.most_common()
        ]
        click.echo(json.dumps({done.replace(" ", "_"): counts.total(), "by": by}))
        return
    if counts:
        text_console(for_tables=True).print(count_table(counts))
    total = counts.total()
    click.echo(f"{total:,} {'dead letter' if total == 1 else 'dead letters'} {done}")


def _report_missing(ids: Sequence[DeadLetterId], shown: set[DeadLetterId]) -> None:
    missing = [each for each in ids if each not in shown]
    for each in missing:
        click.echo(f"Error: there is no dead letter {each}; they are kept for 30 days", err=True)
    sys.exit(1 if missing else 0)
