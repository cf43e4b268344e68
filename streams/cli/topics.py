"""`mingle topics`: the topics of schemas/topics, created on Kafka or compared with it."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import click
from rich.console import Console
from rich.table import Table

from schemas import topics
from services.errors import AccessRefused, BrokerUnavailable
from streams.cli.configuration import load_settings
from streams.kafka.topics import TOPIC, TopicAdmin, TopicDifference, compare_topics

F = TypeVar("F", bound=Callable[..., None])


def _json_option(function: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")(function)


@click.group("topics")
def command() -> None:
    """Create the topics, or compare them with what is declared."""


@command.command("apply")
@_json_option
def apply_(as_json: bool) -> None:
    """Create missing topics and put settings right.

    Never changes a number of partitions: fewer is impossible, and more moves keys. Where one
    is not as declared, the exit code is 1.
    """
    with _brokers() as admin:
        before = _differences(admin)
        after = admin.mend(topics.load_topics(), before)
    _report(before, after, as_json)


@command.command("check")
@_json_option
def check(as_json: bool) -> None:
    """Compare partitions and settings; changes nothing.

    Where something is not as declared, the exit code is 1.
    """
    with _brokers() as admin:
        found = _differences(admin)
    _report(found, found, as_json)


@contextmanager
def _brokers() -> Iterator[TopicAdmin]:
    try:
        yield TopicAdmin(load_settings().brokers)
    except BrokerUnavailable as error:
        raise click.ClickException(f"{error} (MINGLE_KAFKA_BOOTSTRAP)") from error
    except AccessRefused as error:
        raise click.ClickException(str(error)) from error


def _differences(admin: TopicAdmin) -> list[TopicDifference]:
    declared = topics.load_topics()
    return compare_topics(declared, admin.actual(declared))


def _report(
    before: Sequence[TopicDifference], after: Sequence[TopicDifference], as_json: bool
) -> None:
    rows = [
        {
            "topic": topic.name,
            "partitions": topic.partitions,
            "state": _state(topic.name, before, after),
            "differences": [str(each) for each in after if each.topic == topic.name],
        }
        for topic in topics.load_topics().values()
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        table = Table("topic", "partitions", "state", box=None, pad_edge=False)
        for row in rows:
            table.add_row(str(row["topic"]), str(row["partitions"]), str(row["state"]))
        Console().print(table)
        for each in after:
            click.echo(str(each), err=True)
    sys.exit(1 if after else 0)


def _state(topic: str, before: Sequence[TopicDifference], after: Sequence[TopicDifference]) -> str:
    if any(each.topic == topic for each in after):
        return "differs"
    mended = [each.what for each in before if each.topic == topic]
    if not mended:
        return "as declared"
    return "created" if TOPIC in mended else "changed"
