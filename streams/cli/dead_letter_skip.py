"""`mingle dead-letters skip`: passes by what cannot be read of a partition."""

from typing import Any

import click

from services.errors import BrokerUnavailable
from streams.app import SESSION_SECONDS
from streams.cli.configuration import load_settings
from streams.kafka.group_offsets import GroupIsRunning, GroupOffsets
from streams.records import Partition
from streams.routes import ROUTES, group_of

ROLES_OF = {
    topic: [route.role for route in ROUTES if route.topic == topic]
    for topic in dict.fromkeys(route.topic for route in ROUTES)
}
"""The roles that read each topic; the first one handles its messages."""


class PartitionType(click.ParamType):
    """`posts:3`."""

    name = "partition"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Partition:
        topic, _, number = str(value).rpartition(":")
        if topic not in ROLES_OF or not number.isdecimal():
            self.fail(f"{value!r} is not TOPIC:PARTITION of a topic that workers read", param, ctx)
        return Partition(topic, int(number))


@click.command("skip")
@click.argument("partition", type=PartitionType(), metavar="TOPIC:PARTITION")
@click.option(
    "--to", type=click.IntRange(min=1), required=True, help="The next offset that is to be read."
)
@click.option(
    "--role",
    type=click.Choice(sorted({role for roles in ROLES_OF.values() for role in roles})),
    help="The workers that stand still; without it those that handle the topic's messages.",
)
@click.option("--apply", is_flag=True, help="Do it; otherwise only say what would be done.")
def command(partition: Partition, to: int, role: str | None, apply: bool) -> None:
    """Pass by what no worker can read, where nobody knows how long it is.

    Such as a batch whose checksum is wrong: its partition stands still, and /readyz of a worker
    says at which offset. All messages from there to the offset that is given are lost to that
    role; there are no dead letters of them. First stop all workers of the role, start them
    afterwards.
    """
    roles = ROLES_OF[partition.topic]
    if role is not None and role not in roles:
        raise click.UsageError(f"{role} does not read {partition.topic}; {', '.join(roles)} does")
    group = group_of(role or roles[0])
    place = f"{partition.topic}:{partition.number}"
    try:
        skipped = _skip(GroupOffsets(load_settings().brokers, group), partition, to, apply)
    except GroupIsRunning as error:
        raise click.ClickException(
            f"{error}: stop all workers of role {role or roles[0]}, run this again after "
            f"{SESSION_SECONDS:g} s, for which they stay members, and then start them"
        ) from error
    except BrokerUnavailable as error:
        raise click.ClickException(f"{error} (MINGLE_KAFKA_BOOTSTRAP)") from error
    done = "goes on" if apply else "would go on"
    click.echo(f"{group} {done} at offset {to} of {place}; {skipped:,} offsets are skipped")
    if not apply:
        click.echo("nothing was done: add --apply")


def _skip(offsets: GroupOffsets, partition: Partition, to: int, apply: bool) -> int:
    """Return how many offsets are skipped."""
    committed = offsets.committed(partition) or 0
    end = offsets.end(partition)
    if not committed < to <= end:
        raise click.ClickException(
            f"--to {to}: expected an offset above {committed}, which is to be read next, and not "
            f"above {end}, the end of the partition"
        )
    if apply:
        offsets.move(partition, to)
    return to - committed
