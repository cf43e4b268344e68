"""The demo: all of Mingle in one process, a day in a village, and what became of it."""

import time
from collections.abc import Awaitable, Callable
from typing import Final

import httpx
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table

from services.clock import now_ms
from services.settings.settings import Settings
from streams.display.dead_letter import dead_letter_panel
from streams.display.explanation import explanation_table
from streams.display.metric_changes import metric_changes
from streams.display.text import display_context
from streams.display.thread import thread_tree
from streams.display.timeline import timeline_list
from streams.embedded.demo_client import DemoClient
from streams.embedded.pipeline import RunningPipeline, embedded_settings, pipeline
from streams.embedded.story import NAMES, Scene, Story, story
from streams.process.processes import open_outbox

ANSWER_SECONDS: Final = 10.0
"""For one answer of our own API, in this process."""


async def demo(
    settings: Settings, console: Console, serve: Callable[[], Awaitable[object]] | None = None
) -> None:
    """Tells the story on `console`; with `serve`, everything runs until that returns.

    Raises NotAsTold when what is shown is not what the rules promise, OSError for a taken port,
    RuntimeError when the pipeline does not start.
    """
    started = time.monotonic()
    village = story(now_ms(), settings.epoch)
    console.print(Rule("Mingle, all in this process"))
    async with pipeline(settings) as running:
        console.print(_parts(running))
        async with (
            open_outbox(embedded_settings(settings, running.bootstrap)) as outbox,
            httpx.AsyncClient(timeout=ANSWER_SECONDS) as client,
        ):
            await _tell(DemoClient(running, outbox, client), village, console)
        console.print(f"\nFrom nothing to here in {time.monotonic() - started:.1f} s.\n")
        console.print(_next(running, village, served=serve is not None))
        if serve is not None:
            await serve()


async def _tell(teller: DemoClient, village: Story, console: Console) -> None:
    look = display_context(lambda user: NAMES.get(int(user), user))
    before = await teller.metrics()
    for scene in village.scenes:
        await teller.play(scene, village.reader)
        console.print(_scene(scene))
    await teller.visible(village)
    _show(console, "alice's home", timeline_list(await teller.home(village.reader), look))
    _show(console, "a thread", thread_tree(await teller.thread(village.root, village.reader), look))
    why = explanation_table(await teller.explain(village.reader, village.hidden))
    _show(console, "why carol's words to frank are not in alice's home", why)
    dead = await teller.dead_letter(village.poison.topic)
    _show(console, "the dead letter", dead_letter_panel(dict(dead.headers), dead.value))
    _show(console, "the metrics that moved", metric_changes(before, await teller.metrics()))


def _show(console: Console, title: str, what: RenderableType) -> None:
    console.print()
    console.print(Rule(title, align="left"))
    console.print(Padding(what, (0, 2)))


def _scene(scene: Scene) -> Table:
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(ratio=1)
    table.add_column(no_wrap=True, justify="right", style="dim")
    table.add_row(f"  • {scene.title}", f"{len(scene.messages)} sent, alice sees {scene.sees}")
    return table


def _parts(running: RunningPipeline) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_row("  broker", running.bootstrap, "[dim]librdkafka's mock, over TCP[/dim]")
    table.add_row("  worker", str(running.worker), "[dim]Faust agents on memory stores[/dim]")
    table.add_row("  API", str(running.api), "[dim]on the same stores[/dim]")
    return table


def _next(running: RunningPipeline, village: Story, *, served: bool) -> Table:
    """Addresses and commands; a post's only while that post is there."""
    api = str(running.api)
    home = f"{api}/v1/users/{village.reader}/home"
    places = [home, f"{api}/openapi.json", f"{running.worker}/metrics", f"{running.worker}/readyz"]
    commands = [f"mingle home {village.reader} --api {api}"]
    if served:
        places.insert(1, f"{api}/v1/posts/{village.root}/thread?viewer={village.reader}")
        commands += [
            f"mingle thread {village.root} --viewer {village.reader} --api {api}",
            f"mingle explain {village.reader} {village.hidden} --api {api}",
            f"MINGLE_KAFKA_BOOTSTRAP={running.bootstrap} mingle publish FILE",
        ]
    title = "Until Ctrl-C, try" if served else "`mingle demo --serve` keeps it running; then try"
    table = Table(title, box=None, pad_edge=False, header_style="bold")
    for each in places + commands:
        table.add_row(f"  {each}")
    return table
