"""`mingle replay snapshot-edges`: the store's edges, written where a replay finds them."""

import json

import click

from schemas.snapshots import FOLLOW_EDGES, EdgesWritten
from streams.bootstrap import Deps
from streams.cli.output import progress_bar
from streams.cli.store_access import run_on_stores
from streams.process.processes import open_outbox
from streams.replay.edges import write_snapshot


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

    async def work(deps: Deps) -> EdgesWritten:
        with progress_bar() as bar:
            task = bar.add_task("edges", total=None)
            async with open_outbox(deps.settings) as outbox:
                return await write_snapshot(
                    deps.stores.relations, outbox, deps.settings.brokers,
                    rate=rate, accept_loss=accept_loss,
                    on_progress=lambda edges: bar.update(task, advance=edges),
                )  # fmt: skip

    written = run_on_stores(work)
    if as_json:
        click.echo(json.dumps({"edges": written.edges, "handled": written.handled}))
    else:
        click.echo(f"{written.edges:,} edges written to {FOLLOW_EDGES}")
