"""`mingle replay snapshot-edges`: writes the store's edges to a topic that replays read."""

import json

import click

from schemas.snapshots import FOLLOW_EDGES, EdgesWritten
from streams.bootstrap import Deps
from streams.cli.output import json_output, progress_bar
from streams.cli.store_access import run_on_stores
from streams.process.processes import open_outbox
from streams.replay.edges import write_snapshot


@click.command("snapshot-edges")
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Edges per second, at most.")
@click.option("--accept-loss", is_flag=True,
              help="Accept fewer edges than in the last snapshot.")  # fmt: skip
@json_output("Print the result as a JSON object.")
def snapshot_edges(rate: float | None, as_json: bool, *, accept_loss: bool) -> None:
    """Save all follow edges of the store, ended ones too, in `follow-edges`.

    A plan reads them there if `follows` has lost its beginning. Only a complete snapshot counts; if
    interrupted, run it again. Run it regularly, at least as often as Kafka may delete follows: a
    snapshot holds what was recorded when it began.
    """

    async def work(deps: Deps) -> EdgesWritten:
        with progress_bar() as bar:
            task = bar.add_task("edges", total=None)
            async with open_outbox(deps.settings) as outbox:
                return await write_snapshot(
                    deps.stores, outbox, deps.settings.brokers,
                    rate=rate, accept_loss=accept_loss,
                    on_progress=lambda edges: bar.update(task, advance=edges),
                )  # fmt: skip

    written = run_on_stores(work)
    if as_json:
        click.echo(json.dumps({"edges": written.edges, "handled": written.handled}))
    else:
        click.echo(f"{written.edges:,} edges written to {FOLLOW_EDGES}")
