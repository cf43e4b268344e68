"""The demo: runs all of Mingle in one process, plays a day in a village and shows the result."""

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
from streams.display.catch_up import news_list
from streams.display.dead_letter import dead_letter_panel
from streams.display.explanation import explanation_table
from streams.display.metric_changes import metric_changes
from streams.display.signal import signal_list
from streams.display.text import display_context
from streams.display.thread import thread_tree
from streams.display.timeline import timeline_list
from streams.embedded.demo_client import DemoClient
from streams.embedded.pipeline import RunningPipeline, embedded_settings, pipeline
from streams.embedded.story import NAMES, Scene, Story, story
from streams.process.processes import open_outbox

ANSWER_SECONDS: Final = 10.0
"""For one answer of the API."""


async def demo(
    settings: Settings, console: Console, serve: Callable[[], Awaitable[object]] | None = None
) -> None:
    """Play the story and show it on `console`; with `serve`, keep running until that returns.

    Raises StoryFailed when the result is not what the rules promise, OSError when a port is taken
    and RuntimeError when the pipeline does not start.
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
            await _play(DemoClient(running, outbox, client), village, console)
        console.print(f"\nStarted and played in {time.monotonic() - started:.1f} s.\n")
        console.print(_next(running, village, served=serve is not None))
        if serve is not None:
            await serve()


async def _play(client: DemoClient, village: Story, console: Console) -> None:
    context = display_context(lambda user: NAMES.get(int(user), user))
    before = await client.metrics()
    for scene in village.scenes:
        await client.play(scene, village.reader)
        console.print(_scene(scene))
    await client.wait_for_end(village)
    _show(console, "alice's home", timeline_list(await client.home(village.reader), context))
    waiting = timeline_list(await client.unanswered(village.reader), context)
    _show(console, "who waits for alice's answer", waiting)
    news = await client.catch_up(village.reader, village.begins)
    _show(console, "what happened since this morning", news_list(news, context))
    first = await client.signal(village.reader)
    _show(console, "why a post stands first for alice", signal_list(first, context))
    _show(
        console, "a thread", thread_tree(await client.thread(village.root, village.reader), context)
    )
    why = explanation_table(await client.explain(village.reader, village.hidden))
    _show(console, "why alice's home has no answer from carol to frank", why)
    dead = await client.dead_letter(village.poison.topic)
    _show(console, "the dead letter", dead_letter_panel(dict(dead.headers), dead.value))
    _show(console, "the metrics that changed", metric_changes(before, await client.metrics()))


def _show(console: Console, title: str, view: RenderableType) -> None:
    console.print()
    console.print(Rule(title, align="left"))
    console.print(Padding(view, (0, 2)))


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
    """Return addresses and commands to try; those of a post only while it can be read."""
    api = str(running.api)
    home = f"{api}/v1/users/{village.reader}/home"
    addresses = [
        f"{api}/explore#/home?as={village.reader}",
        home,
        f"{api}/openapi.json",
        f"{running.worker}/metrics",
        f"{running.worker}/readyz",
    ]
    commands = [
        f"mingle {name} {village.reader} --api {api}" for name in ("home", "signal", "catch-up")
    ]
    if served:
        addresses.insert(2, f"{api}/v1/posts/{village.root}/thread?viewer={village.reader}")
        commands += [
            f"mingle thread {village.root} --viewer {village.reader} --api {api}",
            f"mingle explain {village.reader} {village.hidden} --api {api}",
            f"MINGLE_KAFKA_BOOTSTRAP={running.bootstrap} mingle publish FILE",
        ]
    title = (
        "Until Ctrl-C, try"
        if served
        else "`mingle demo --serve` keeps it running; then you can try"
    )
    table = Table(title, box=None, pad_edge=False, header_style="bold")
    for each in addresses + commands:
        table.add_row(f"  {each}")
    return table
