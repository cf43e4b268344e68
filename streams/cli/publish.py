"""`mingle publish`: sends messages from files to Kafka, each of them acknowledged."""

import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

import click
from rich.progress import Progress

from services.errors import AccessRefused, BrokerUnavailable
from streams.cli.configuration import load_settings
from streams.cli.output import json_option, progress_bar
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
@click.option(
    "--shuffle", type=int, metavar="SEED", help="Read everything, then send it in a random order."
)
@click.option(
    "--keep-going",
    is_flag=True,
    help="Report malformed lines, count them by reason, and send all others.",
)
@json_option
def command(
    files: tuple[str, ...], rate: float | None, shuffle: int | None, keep_going: bool, as_json: bool
) -> None:
    """Send messages from files to Kafka.

    The first line of a file decides its format; files may be gzipped. JSON Lines have one
    message a line, with its topic, as {"topic": "follows", "type": "follow.created", ...} or
    {"topic": "follows", "value": {...}}. A missing "key" is made from the value. {"topic":
    "posts", "key": "7", "raw": "..."} sends the bytes as they are. CSV files hold follows
    (follower_id,followee_id) or posts (post_id,user_id,ts,kind,parent_id,root_id,text_len...).

    Stops at the first malformed line and reports its number. Waits until the broker has
    acknowledged every message; the exit code is 1 if a line was malformed or a message was not
    acknowledged.
    """
    settings = load_settings()
    problems = _Problems(keep_going)
    publisher = Publisher(settings.brokers)
    started = time.monotonic()
    try:
        with publisher, progress_bar() as bar:
            messages: Iterable[Outgoing] = _read(files, settings.epoch, problems, bar)
            if shuffle is not None:
                messages = bar.track(_shuffled(messages, shuffle), description="shuffled")
            for message in paced(messages, rate) if rate else messages:
                publisher.send(message)
    except (BrokerUnavailable, AccessRefused) as error:
        raise click.ClickException(f"{error} (MINGLE_KAFKA_BOOTSTRAP)") from error
    except (MalformedLine, NotPublished) as error:
        problems.report(str(error))
    except KeyboardInterrupt:
        problems.report("interrupted")
    _report(publisher, problems, time.monotonic() - started, as_json)
    sys.exit(1 if problems.count else 0)


class _Problems:
    """Counts problems and reports each at once on standard error."""

    def __init__(self, keep_going: bool) -> None:
        self.count = 0
        self.refused: Counter[str] = Counter()
        """Lines by why they were refused, without what differs from line to line."""
        self._keep_going = keep_going

    def __call__(self, malformed: MalformedLine) -> None:
        if not self._keep_going:
            raise malformed
        self.refused[malformed.why.partition(" (")[0]] += 1
        self.report(str(malformed))

    def report(self, problem: str) -> None:
        self.count += 1
        click.echo(f"Error: {problem}", err=True)


def _read(
    names: Iterable[str], epoch: int, on_malformed: OnMalformed, bar: Progress
) -> Iterator[Outgoing]:
    for name in names:
        if name == STANDARD_INPUT:
            bar.add_task("standard input", total=None)
            yield from read_messages(sys.stdin.buffer, "standard input", epoch, on_malformed)
        else:
            with bar.open(name, "rb", description=name) as file:
                yield from read_messages(file, name, epoch, on_malformed)


def _shuffled(messages: Iterable[Outgoing], seed: int) -> list[Outgoing]:
    shuffled = list(messages)
    random.Random(seed).shuffle(shuffled)
    return shuffled


def _report(publisher: Publisher, problems: _Problems, seconds: float, as_json: bool) -> None:
    by_topic = dict(sorted(publisher.acknowledged.items()))
    total = publisher.acknowledged.total()
    if as_json:
        result = {
            "acknowledged": total,
            "by_topic": by_topic,
            "errors": problems.count,
            "refused": dict(problems.refused.most_common()),
            "seconds": round(seconds, 3),
        }
        click.echo(json.dumps(result))
        return
    topics = ", ".join(f"{topic} {count:,}" for topic, count in by_topic.items())
    rate = total / seconds if seconds else 0
    click.echo(f"{total:,} messages acknowledged in {seconds:.1f} s ({rate:,.0f}/s) {topics}")
    for why, count in problems.refused.most_common():
        click.echo(f"{count:,} refused: {why}")
