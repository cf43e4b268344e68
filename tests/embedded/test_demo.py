"""The demo shows what it promises, in time, and leaves nothing behind."""

import asyncio
import io
import time

import httpx
import pytest
from rich.console import Console

from services.settings.settings import Settings
from streams.embedded import demo_client as teller
from streams.embedded.demo import demo
from streams.embedded.demo_client import DemoClient, StoryFailed
from streams.embedded.pipeline import pipeline
from streams.embedded.story import Scene, story
from streams.outbox import MemoryOutbox
from streams.process.processes import open_outbox

PROMISED = 30.0
"""Seconds for the whole demo."""


@pytest.fixture
def settings() -> Settings:
    return Settings.model_validate({"api_port": 0, "metrics_port": 0, "retention_days": 0})


def screen() -> tuple[Console, io.StringIO]:
    held = io.StringIO()
    return Console(file=held, width=160, color_system=None), held


async def test_everything_is_shown_in_time(settings: Settings) -> None:
    """A home, a thread as a tree, a rule, a dead letter, metrics and addresses."""
    console, held = screen()
    started = time.monotonic()
    await demo(settings, console)
    assert time.monotonic() - started < PROMISED
    shown = held.getvalue()
    assert "Market is on Saturday, not Friday." in shown
    assert "reposted by carol" in shown
    assert "HEAR YE" not in shown
    waits = shown.split("who waits for alice's answer")[1].split("what happened since")[0]
    assert "Would you keep a loaf for me?" in waits
    news = shown.split("what happened since this morning")[1].split("why a post")[0]
    assert "bob, alice" in news
    assert news.index("Would you keep a loaf for me?") < news.index("Market is on Saturday")
    assert "carol broadcast 1 post" in news
    first = shown.split("why a post stands first for alice")[1].split("a thread")[0]
    assert first.index("Would you keep a loaf for me?") < first.index("it answers you")
    assert "(deleted)" in shown
    assert "── dave  Then who rang the bell?" in shown
    assert "reason  missing" in shown
    assert "field   post_id" in shown
    assert "timeline_dead_letters_total" in shown
    assert "/v1/users/1/home" in shown


async def test_tokens_are_asked_of_nobody(settings: Settings) -> None:
    """Whatever the environment says of authentication, and then on the loopback only."""
    given = {"auth_secret": "s" * 32, "api_host": "0.0.0.0"}
    async with (
        pipeline(settings.model_copy(update=given)) as running,
        httpx.AsyncClient() as client,
    ):
        answer = await client.get(f"{running.api}/v1/users/1/home")
    assert answer.status_code == 200
    assert "127.0.0.1" in str(running.api)


async def test_it_keeps_serving_until_it_is_stopped(settings: Settings) -> None:
    """While it serves, the addresses that it printed answer; afterwards nothing listens."""
    console, held = screen()
    async with httpx.AsyncClient() as client:

        async def visit() -> None:
            places = [each for each in addresses(held) if each.count("/") > 2]
            assert [(await client.get(each)).status_code for each in places] == [200] * 6

        await demo(settings, console, serve=visit)
        with pytest.raises(httpx.ConnectError):
            await client.get(addresses(held)[0])


def addresses(held: io.StringIO) -> list[str]:
    return [word for word in held.getvalue().split() if word.startswith("http://")]


async def test_the_pipeline_can_be_started_again(settings: Settings) -> None:
    """Each has a broker and stores of its own, without the messages of another."""
    village = story(1_790_000_000_000)
    for _ in range(2):
        async with (
            pipeline(settings) as running,
            httpx.AsyncClient() as client,
            open_outbox(
                settings.model_copy(update={"kafka_bootstrap": running.bootstrap})
            ) as outbox,
        ):
            told = DemoClient(running, outbox, client)
            assert (await told.home(village.reader))["items"] == []
            for scene in village.scenes:
                await told.play(scene, village.reader)


async def test_a_story_that_fails_is_reported(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was published: the wait ends, and names what it waited for."""
    monkeypatch.setattr(teller, "PATIENCE", 0.2)
    village = story(1_790_000_000_000)
    async with pipeline(settings) as running, httpx.AsyncClient() as client:
        told = DemoClient(running, MemoryOutbox(), client)
        with pytest.raises(StoryFailed, match="home and thread"):
            await told.wait_for_end(village)
        with pytest.raises(StoryFailed, match="handling of 'nothing'"):
            await told.play(Scene("nothing", village.scenes[0].messages, 0), village.reader)
        with pytest.raises(StoryFailed, match="no dead letter of posts"):
            await told.dead_letter("posts")


async def test_a_taken_port_is_an_error(settings: Settings) -> None:
    """Everything that started before it is stopped."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(OSError, match="in use"):
            async with pipeline(settings.model_copy(update={"api_port": port})):
                pass
