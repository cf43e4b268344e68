"""`mingle topics`: creates the topics of schemas/topics in Kafka, or checks them."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from schemas import topics
from services.errors import AccessRefused, BrokerUnavailable
from streams.cli.configuration import load_settings
from streams.cli.output import json_option, print_table
from streams.kafka.topics import TOPIC, TopicAdmin, TopicDifference, compare_topics


@click.group("topics")
def command() -> None:
    """Create the topics in Kafka, or check them."""


@command.command("apply")
@json_option
def apply_(as_json: bool) -> None:
    """Create missing topics and correct their settings.

    Never changes a number of partitions: Kafka cannot remove any, and more would move keys. The
    exit code is 1 if a topic still differs from its declaration.
    """
    with _brokers() as admin:
        before = _differences(admin)
        after = admin.mend(topics.load_topics(), before)
    _report(before, after, as_json)


@command.command("check")
@json_option
def check(as_json: bool) -> None:
    """Compare partitions and settings with their declarations; change nothing.

    The exit code is 1 if a topic differs.
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
        columns = ("topic", "partitions", "state")
        print_table(columns, [[str(row[each]) for each in columns] for row in rows])
        for each in after:
            click.echo(str(each), err=True)
    sys.exit(1 if after else 0)


def _state(topic: str, before: Sequence[TopicDifference], after: Sequence[TopicDifference]) -> str:
    if any(each.topic == topic for each in after):
        return "differs"
    corrected = [each.what for each in before if each.topic == topic]
    if not corrected:
        return "as declared"
    return "created" if TOPIC in corrected else "changed"
