"""`mingle publish`: messages from files to Kafka, every one acknowledged."""

import json
import random
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Final

import click
from rich.progress import Progress

from services.errors import AccessRefused, BrokerUnavailable
from streams.cli.configuration import load_settings
from streams.cli.progress import progress_bar
from streams.kafka.publisher import NotPublished, Publisher
from streams.outbox import Outgoing
from streams.pace import paced
from streams.publishing.sources import MalformedLine, OnMalformed, read_messages

STANDARD_INPUT: Final = "-"


@click.command("publish")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE|-...",
    type=click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True),
)
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Messages per second.")
@click.option("--shuffle", type=int, metavar="SEED", help="Send in a random order, from memory.")
@click.option("--keep-going", is_flag=True, help="Report malformed lines, send all others.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as a JSON object.")
def command(
    files: tuple[str, ...], rate: float | None, shuffle: int | None, keep_going: bool, as_json: bool
) -> None:
    """Send messages from files to Kafka.

    A file is told by its first line, compressed or not. JSON Lines have one message a line,
    with its topic, as {"topic": "follows", "type": "follow.created", ...} or {"topic":
    "follows", "value": {...}}. A "key" that is absent is made from the value. {"topic":
    "posts", "key": "7", "raw": "..."} sends those bytes, whatever they are. CSV is follows
    (follower_id,followee_id) or posts (post_id,user_id,ts,kind,parent_id,root_id,text_len...).

    A malformed line ends it and is reported with its number. Whatever was sent is
    acknowledged by the broker; where something was not, the exit code is 1.
    """
    settings = load_settings()
    refusals = _Refusals(keep_going)
    publisher = Publisher(settings.brokers)
    started = time.monotonic()
    try:
        with publisher, progress_bar() as bar:
            found: Iterable[Outgoing] = _read(files, settings.epoch, refusals, bar)
            if shuffle is not None:
                found = bar.track(_shuffled(found, shuffle), description="shuffled")
            for message in paced(found, rate) if rate else found:
                publisher.send(message)
    except (BrokerUnavailable, AccessRefused) as error:
        raise click.ClickException(f"{error} (MINGLE_KAFKA_BOOTSTRAP)") from error
    except (MalformedLine, NotPublished) as error:
        refusals.note(str(error))
    except KeyboardInterrupt:
        refusals.note("interrupted")
    _report(publisher, refusals, time.monotonic() - started, as_json)
    sys.exit(1 if refusals.count else 0)


class _Refusals:
    """What went wrong, told at once on standard error."""

    def __init__(self, keep_going: bool) -> None:
        self.count = 0
        self._keep_going = keep_going

    def __call__(self, malformed: MalformedLine) -> None:
        if not self._keep_going:
            raise malformed
        self.note(str(malformed))

    def note(self, problem: str) -> None:
        self.count += 1
        click.echo(f"Error: {problem}", err=True)


def _read(
    names: Iterable[str], epoch: int, refuse: OnMalformed, bar: Progress
) -> Iterator[Outgoing]:
    for name in names:
        if name == STANDARD_INPUT:
            bar.add_task("standard input", total=None)
            yield from read_messages(sys.stdin.buffer, "standard input", epoch, refuse)
        else:
            with bar.open(name, "rb", description=name) as file:
                yield from read_messages(file, name, epoch, refuse)


def _shuffled(found: Iterable[Outgoing], seed: int) -> list[Outgoing]:
    everything = list(found)
    random.Random(seed).shuffle(everything)
    return everything


def _report(publisher: Publisher, refusals: _Refusals, seconds: float, as_json: bool) -> None:
    by_topic = dict(sorted(publisher.acknowledged.items()))
    total = publisher.acknowledged.total()
    if as_json:
        result = {
            "acknowledged": total,
            "by_topic": by_topic,
            "errors": refusals.count,
            "seconds": round(seconds, 3),
        }
        click.echo(json.dumps(result))
        return
    topics = ", ".join(f"{topic} {count:,}" for topic, count in by_topic.items())
    rate = total / seconds if seconds else 0
    click.echo(f"{total:,} messages acknowledged in {seconds:.1f} s ({rate:,.0f}/s) {topics}")
