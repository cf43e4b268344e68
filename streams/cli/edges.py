"""`mingle replay snapshot-edges`: the store's edges, written where a replay finds them."""

import asyncio
import json

import click

from schemas.snapshots import FOLLOW_EDGES, EdgesWritten
from services.clock import now_ms
from services.settings.settings import Settings
from streams.bootstrap import Deps
from streams.cli.configuration import load_settings
from streams.cli.progress import progress_bar
from streams.cli.store_access import run_on_stores
from streams.kafka.reader import TopicReader
from streams.process.processes import open_outbox
from streams.replay.edges import EdgesMissing, EdgeSnapshot, handled_follows, last_written


@click.command("snapshot-edges")
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Edges per second, at most.")
@click.option("--accept-loss", is_flag=True,
              help="Also where the store has fewer edges than the last snapshot.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the result as a JSON object.")
def snapshot_edges(rate: float | None, as_json: bool, *, accept_loss: bool) -> None:
    """Write every follow edge that the store holds to `follow-edges`, ended ones too.

    A plan whose `follows` has lost its beginning reads them there. Only a snapshot that came to
    its end counts; one that was interrupted does no harm, and is made by running it again. Run it
    now and then, at least as often as Kafka may let go of follows: each keeps what was recorded
    when it began.
    """
    settings = load_settings()

    async def work(deps: Deps) -> EdgesWritten:
        began_at, handled = now_ms(), await handled_follows(settings.brokers)
        last = await asyncio.to_thread(_last, settings)
        at_least = 0 if last is None or accept_loss else last.edges
        with progress_bar() as bar:
            task = bar.add_task("edges", total=None)
            async with open_outbox(settings) as outbox:
                snapshot = EdgeSnapshot(
                    deps.stores.relations, outbox, rate,
                    on_progress=lambda edges: bar.update(task, advance=edges),
                )  # fmt: skip
                return await snapshot.write(began_at, handled, at_least)

    try:
        written = run_on_stores(work)
    except EdgesMissing as error:
        raise click.ClickException(
            f"{error}: has it lost any? The last snapshot still counts; replay from it, or give "
            "--accept-loss"
        ) from error
    if as_json:
        click.echo(json.dumps({"edges": written.edges, "handled": written.handled}))
    else:
        click.echo(f"{written.edges:,} edges written to {FOLLOW_EDGES}")


def _last(settings: Settings) -> EdgesWritten | None:
    """What the last whole snapshot says of itself; None for the first."""
    with TopicReader(settings.brokers) as reader:
        spans = reader.spans([FOLLOW_EDGES])
        if not spans:
            raise click.ClickException(
                f"topic {FOLLOW_EDGES} does not exist: run `mingle topics apply`"
            )
        return last_written(reader, spans)
