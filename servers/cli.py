"""`python -m servers up|down|status`. Exit codes: 0 success, 1 failure, 2 wrong usage."""

import logging
import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import click

from servers import cassandra, jars, kafka
from servers.cassandra import CassandraConfig, CommitlogSync
from servers.errors import ServerError
from servers.kafka import KafkaConfig
from servers.server import START_SECONDS, Server

PortArgument = click.IntRange(1, 65_000)
FolderArgument = click.Path(file_okay=False, resolve_path=True, path_type=Path)
Command = TypeVar("Command", bound=Callable[..., Any])


class Heap(click.ParamType):
    """A size as the JVM writes it."""

    name = "size"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not re.fullmatch(r"[1-9]\d*[mg]", value):
            self.fail(f"{value!r} is not a size such as 512m or 2g", param, ctx)
        return value


def _setting(
    flag: str, kind: click.ParamType | type, default: object, meaning: str, **how: Any
) -> Callable[[Command], Command]:
    """Return an option that the environment can set too: --kafka-port is MINGLE_KAFKA_PORT."""
    variable = "MINGLE_" + flag.removeprefix("--").replace("-", "_").upper()
    how |= {"envvar": variable, "show_envvar": True}
    return click.option(flag, type=kind, default=default, help=meaning, **how)


@click.group(context_settings={"show_default": True, "max_content_width": 100})
@_setting(
    "--servers-dir", FolderArgument, ".run", "Folder for data, configuration, logs and process ids."
)
@_setting(
    "--servers-cache",
    FolderArgument,
    jars.default_cache,
    "Folder for downloaded jars.",
    show_default="~/.cache/mingle/servers",
)
@_setting("--kafka-port", PortArgument, 9092, "Kafka's port; its controller uses the next one.")
@_setting("--kafka-heap", Heap(), "1g", "Heap of Kafka's JVM.")
@_setting(
    "--cassandra-port",
    PortArgument,
    9042,
    "Cassandra's port; internode traffic and JMX use the next two.",
)
@_setting("--cassandra-heap", Heap(), "2g", "Heap of Cassandra's JVM.")
@_setting(
    "--cassandra-commitlog-sync",
    click.Choice(["periodic", "batch"]),
    "periodic",
    "With `batch`, acknowledged writes survive a kill, and writes are slower.",
)
@click.pass_context
def main(  # noqa: PLR0913 - one parameter an option
    context: click.Context,
    *,
    servers_dir: Path,
    servers_cache: Path,
    kafka_port: int,
    kafka_heap: str,
    cassandra_port: int,
    cassandra_heap: str,
    cassandra_commitlog_sync: CommitlogSync,
) -> None:
    """Run a one-node Kafka and Cassandra on this machine, for development."""
    logging.getLogger("cassandra").setLevel(logging.CRITICAL)  # refused probes are expected
    context.obj = {
        "kafka": kafka.kafka_server(
            KafkaConfig(
                folder=servers_dir / "kafka", cache=servers_cache, port=kafka_port, heap=kafka_heap
            )
        ),
        "cassandra": cassandra.cassandra_server(
            CassandraConfig(
                folder=servers_dir / "cassandra",
                cache=servers_cache,
                port=cassandra_port,
                heap=cassandra_heap,
                commitlog_sync=cassandra_commitlog_sync,
            )
        ),
    }


_names = click.argument("names", nargs=-1, type=click.Choice(["kafka", "cassandra"]))


def _chosen(context: click.Context, names: Sequence[str]) -> list[Server]:
    return [context.obj[name] for name in names or ("kafka", "cassandra")]


@main.command()
@_names
@click.option(
    "--timeout",
    default=START_SECONDS,
    type=click.IntRange(1),
    help="Seconds to wait for an answer.",
)
@click.pass_context
def up(context: click.Context, names: Sequence[str], timeout: int) -> None:
    """Start the servers (both unless named) and wait until they answer."""

    def start(server: Server) -> str:
        if server.answers():
            return f"{server.name} already runs on {server.address}"
        began = time.monotonic()
        server.start(timeout)
        return f"{server.name} answers on {server.address} after {time.monotonic() - began:.1f} s"

    _run_on_all(_chosen(context, names), start)


@main.command()
@_names
@click.pass_context
def down(context: click.Context, names: Sequence[str]) -> None:
    """Stop the servers (both unless named); their data stays."""

    def stop(server: Server) -> str:
        if server.pid is None:
            return f"{server.name} is not running"
        server.stop()
        return f"{server.name} is stopped"

    _run_on_all(_chosen(context, names), stop)


@main.command("status")
@click.pass_context
def show_status(context: click.Context) -> None:
    """Show the state of the servers; exit code 0 if both answer, else 1."""
    rows = [("server", "state", "address", "pid", "log")]
    all_answer = True
    for server in _chosen(context, ()):
        answers = server.answers()
        all_answer = all_answer and answers
        state = "answers" if answers else "no answer" if server.pid else "stopped"
        rows.append((server.name, state, server.address, str(server.pid or "-"), str(server.log)))
    for row in rows:
        click.echo("{:<10} {:<16} {:<16} {:<8} {}".format(*row))
    context.exit(0 if all_answer else 1)


def _run_on_all(servers: Sequence[Server], action: Callable[[Server], str]) -> None:
    """Run an action on all servers at the same time and print the results; exit 1 if any failed."""
    failed = False
    with ThreadPoolExecutor(len(servers)) as pool:
        results = [pool.submit(action, server) for server in servers]
        try:
            for result in results:
                try:
                    click.echo(result.result())
                except ServerError as error:
                    failed = True
                    click.echo(f"error: {error}", err=True)
        except KeyboardInterrupt:
            for server in servers:
                server.cancel()
            raise
    if failed:
        raise click.exceptions.Exit(1)
