"""`mingle dead-letters`: what could not be handled, and what becomes of it."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, TypeVar

import click
from rich.console import Console

from streams.bootstrap import cassandra_brakes, connect_store, create_metrics
from streams.cli.configuration import load_settings
from streams.cli.dead_letter_options import (
    DeadLetterTools,
    dead_letter_filters,
    ids_argument,
    run_async,
    run_with_tools,
)
from streams.dead_letters.redrive import drop, redrive
from streams.dead_letters.search import DeadLetterFilter, FoundDeadLetter, search_dead_letters
from streams.dead_letters.stored import DeadLetterId, StoredDeadLetter
from streams.delivery.brake.store import BrakeState
from streams.display.dead_letters import (
    Counts,
    all_for_machines,
    count_table,
    dead_letter_table,
    for_machines,
    letter_in_full,
)
from streams.kafka.publisher import Publisher
from streams.routes import BRAKES

SHOWN: Final = 200
"""Lines of a table: more is read by nobody, and a table is held in memory. `--json` has no end."""

Action = Callable[[DeadLetterTools, Counts], Coroutine[Any, Any, None]]
F = TypeVar("F", bound=Callable[..., None])


def _json_option(help_: str) -> Callable[[F], F]:
    return click.option("--json", "as_json", is_flag=True, help=help_)


def _apply_option(function: F) -> F:
    return click.option("--apply", is_flag=True, help="Do it; else only say what would be done.")(
        function
    )


@click.group("dead-letters")
def command() -> None:
    """See, send back or drop what could not be handled.

    And release the brakes of topics of which too much could not be.

    Letters lie in the topics TOPIC-dlq for 30 days. One is named by its place there, as
    posts-dlq:3:17. What was redriven or dropped is remembered in Cassandra and not listed again;
    with MINGLE_STORE=memory letters can be read without it, and nothing is remembered.
    """


@command.command("list")
@dead_letter_filters
@click.option("--all", "settled_too", is_flag=True, help="Also what was redriven or dropped.")
@click.option("--summary", is_flag=True, help="Only the numbers by topic and reason.")
@_json_option("Print JSON Lines, a letter in each; with --summary a JSON object.")
def list_(wanted: DeadLetterFilter, settled_too: bool, summary: bool, as_json: bool) -> None:
    """List letters, and their numbers by topic and reason."""
    counts: Counts = Counter()
    rows: list[FoundDeadLetter] = []

    async def look(desk: DeadLetterTools) -> None:
        meant = wanted._replace(settled_too=settled_too)
        async for some in search_dead_letters(desk.reader, meant, desk.settled):
            _count(counts, [each.letter for each in some])
            if as_json and not summary:
                for each in some:
                    click.echo(json.dumps(for_machines(each), ensure_ascii=False))
            elif not summary:
                rows.extend(some[: SHOWN - len(rows)])

    run_with_tools(look)
    if not as_json and rows:
        Console().print(dead_letter_table(rows))
        if len(rows) < counts.total():
            click.echo(f"and {counts.total() - len(rows):,} more (--json prints all)")
    if summary or not as_json:
        _report(counts, "listed", as_json)


@command.command("show")
@ids_argument
@_json_option("Print JSON Lines.")
def show(ids: tuple[DeadLetterId, ...], as_json: bool) -> None:
    """Show all that is known of letters.

    Where from, why, what was said of it earlier, its headers, and its value as text where it is
    text and else in hex. Where a letter is not found, the exit code is 1.
    """
    if not ids:
        raise click.UsageError("name at least one letter, as `mingle dead-letters list` does")
    shown: set[DeadLetterId] = set()

    async def look(desk: DeadLetterTools) -> None:
        async for some in search_dead_letters(
            desk.reader, DeadLetterFilter(ids, settled_too=True), desk.settled
        ):
            for each in some:
                shown.add(each.letter.id)
                if as_json:
                    click.echo(json.dumps(all_for_machines(each), ensure_ascii=False))
                else:
                    Console().print(letter_in_full(each.letter), "")

    run_with_tools(look)
    _report_missing(ids, shown)


@command.command("redrive")
@dead_letter_filters
@_apply_option
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Letters per second.")
@_json_option("Print the numbers as a JSON object.")
def redrive_(wanted: DeadLetterFilter, apply: bool, rate: float | None, as_json: bool) -> None:
    """Send letters back to the topics they came from.

    With their keys, values, headers and times. One that fails again becomes a letter again and
    keeps what was said of it. What is killed on the way goes on when it is run again, and sends
    at most a second's letters twice, which changes nothing.
    """

    async def send(desk: DeadLetterTools, counts: Counts) -> None:
        found = search_dead_letters(desk.reader, wanted, desk.settled)
        with Publisher(desk.settings.brokers) as sender:
            await redrive(
                found, sender, desk.settled, lambda letters: _count(counts, letters),
                per_second=rate,
            )  # fmt: skip

    _settle(wanted, send if apply else None, "redriven", as_json)


@command.command("drop")
@dead_letter_filters
@_apply_option
@_json_option("Print the numbers as a JSON object.")
def drop_(wanted: DeadLetterFilter, apply: bool, as_json: bool) -> None:
    """List letters no more; Kafka still keeps them until their 30 days are over."""

    async def settle(desk: DeadLetterTools, counts: Counts) -> None:
        found = search_dead_letters(desk.reader, wanted, desk.settled)
        await drop(found, desk.settled, lambda letters: _count(counts, letters))

    _settle(wanted, settle if apply else None, "dropped", as_json)


@command.command("resume")
@click.argument("topics", nargs=-1, type=click.Choice(BRAKES), metavar="TOPIC...")
@_json_option("Print the released topics as a JSON array.")
def resume(topics: tuple[str, ...], as_json: bool) -> None:
    """Release the brakes of topics, all that are on where none is named.

    A topic is braked when more than 1 % of its latest 10,000 messages, or 500 in a row, became
    dead letters. What the search alone could not handle brakes only the search: posts@search,
    replies@search. Mend the cause first. Workers go on within seconds and count anew. Where a topic
    that is named is not braked, the exit code is 1, and the others are released.
    """
    settings = load_settings()
    if settings.store == "memory":
        raise click.ClickException("with MINGLE_STORE=memory a brake ends with its worker")

    async def release() -> dict[str, BrakeState]:
        store = await connect_store(settings, create_metrics())
        try:
            brakes = cassandra_brakes(store)
            states = await brakes.load(topics or BRAKES)
            for topic, state in states.items():
                if state.is_on and state.engaged is not None:
                    await brakes.release(topic, state.engaged.number)
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


def _settle(wanted: DeadLetterFilter, deed: Action | None, done: str, as_json: bool) -> None:
    """Do it, or without a deed only look; say what was done, also when it ends early."""
    counts: Counts = Counter()

    async def look(desk: DeadLetterTools) -> None:
        async for some in search_dead_letters(desk.reader, wanted, desk.settled):
            _count(counts, [each.letter for each in some])

    try:
        run_with_tools(look if deed is None else lambda desk: deed(desk, counts))
    finally:
        _report(counts, done if deed else f"would be {done}", as_json)
    if deed is None and counts and not as_json:
        click.echo("nothing was done: add --apply")


def _count(counts: Counts, letters: Sequence[StoredDeadLetter]) -> None:
    counts.update((each.topic, each.burials()[-1].reason) for each in letters)


def _report(counts: Counts, done: str, as_json: bool) -> None:
    """How many, by topic and reason."""
    if as_json:
        by = [
            {"topic": topic, "reason": reason, "letters": number}
            for (topic, reason), number in counts.most_common()
        ]
        click.echo(json.dumps({done.replace(" ", "_"): counts.total(), "by": by}))
        return
    if counts:
        Console().print(count_table(counts))
    total = counts.total()
    click.echo(f"{total:,} {'letter' if total == 1 else 'letters'} {done}")


def _report_missing(ids: Sequence[DeadLetterId], shown: set[DeadLetterId]) -> None:
    missing = [each for each in ids if each not in shown]
    for each in missing:
        click.echo(f"Error: there is no letter {each}; letters are kept 30 days", err=True)
    sys.exit(1 if missing else 0)
