"""An issuer's keys rotate, are rarely fetched, and outlive a short outage."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.api.auth.exposure import UnusableSettings
from services.api.auth.gate import create_access_gate
from services.api.auth.issuer import fetch_from
from services.api.auth.jwks import MAX_BYTES, KeyName
from services.api.auth.keys import FRESH_MS, PAUSE_MS, STALE_MS, IssuerUnavailable, PublicKeys
from services.settings.settings import Settings
from tests.api.issuer import JWKS, Signer, key_set
from tests.api.village import NOW

OLD, NEW = Signer("old"), Signer("new")


class Issuer:
    """Publishes keys, can be unavailable, and counts its requests."""

    def __init__(self, *signers: Signer) -> None:
        self.document = key_set(*signers)
        self.away = False
        self.asked = 0
        self.now = NOW
        self.answers = asyncio.Event()
        self.answers.set()
        self.keys = PublicKeys(self.fetch, lambda: self.now)

    async def fetch(self) -> bytes:
        self.asked += 1
        await self.answers.wait()
        if self.away:
            raise IssuerUnavailable("away")
        return self.document

    async def has(self, kid: str | None, algorithm: str = "ES256") -> bool:
        return await self.keys.find(KeyName(kid, algorithm)) is not None

    async def settled(self) -> None:
        """Wait for the fetch in the background."""
        await self.keys._wait_for_attempt()


async def test_keys_are_fetched_once() -> None:
    """One fetch serves all waiting callers and those that come while keys are fresh."""
    issuer = Issuer(OLD)
    assert await asyncio.gather(*(issuer.has("old") for _ in range(20))) == [True] * 20
    issuer.now += FRESH_MS - 1
    assert await issuer.has("old")
    assert issuer.asked == 1


async def test_a_new_key_is_fetched_when_a_token_names_it() -> None:
    """The issuer has rotated its keys."""
    issuer = Issuer(OLD)
    assert await issuer.has("old")
    issuer.document = key_set(OLD, NEW)
    issuer.now += PAUSE_MS
    assert await issuer.has("new")
    assert await issuer.has("old")
    assert issuer.asked == 2


async def test_invented_key_ids_cause_one_fetch() -> None:
    """There is one fetch in PAUSE_MS, whatever keys tokens name."""
    issuer = Issuer(OLD)
    for number in range(50):
        assert not await issuer.has(f"made up {number}")
        issuer.now += PAUSE_MS // 10
    assert issuer.asked == 5


async def test_old_keys_are_refreshed_in_the_background() -> None:
    """Requests do not wait; afterwards a withdrawn key no longer works."""
    issuer = Issuer(OLD, NEW)
    assert await issuer.has("old")
    issuer.document = key_set(NEW)
    issuer.now += FRESH_MS
    issuer.answers.clear()
    assert await asyncio.wait_for(issuer.has("old"), 5)
    issuer.answers.set()
    await issuer.settled()
    assert not await issuer.has("old")
    assert await issuer.has("new")


async def test_keys_outlive_an_outage_of_the_issuer_for_a_while() -> None:
    """Afterwards tokens cannot be verified until the issuer is back."""
    issuer = Issuer(OLD)
    assert await issuer.has("old")
    issuer.away = True
    issuer.now += STALE_MS - 1
    assert await issuer.has("old")
    await issuer.settled()
    issuer.now += 1
    with pytest.raises(IssuerUnavailable):
        await issuer.has("old")
    issuer.away = False
    issuer.now += PAUSE_MS
    assert await issuer.has("old")


async def test_a_key_that_may_be_new_is_not_refused_while_the_issuer_is_away() -> None:
    """The caller is asked to retry, not told that their token is wrong."""
    issuer = Issuer(OLD)
    assert await issuer.has("old")
    issuer.away = True
    issuer.now += PAUSE_MS
    for _ in range(2):
        with pytest.raises(IssuerUnavailable):
            await issuer.has("new")
    assert issuer.asked == 2


async def test_an_invalid_key_set_changes_nothing() -> None:
    """An error page with status 200, a broken file and a set without usable keys are ignored."""
    issuer = Issuer(OLD)
    assert await issuer.has("old")
    for document in (b"<html>", b"[]", b'{"keys": {}}', key_set(), b"[" * 50_000, b" " * 300_000):
        issuer.document = document
        issuer.now += FRESH_MS
        assert await issuer.has("old")
        await issuer.settled()
    assert issuer.asked == 7


async def test_a_cancelled_caller_cancels_no_fetch() -> None:
    """The fetch continues for the other waiting callers."""
    issuer = Issuer(OLD)
    issuer.answers.clear()
    leaving, staying = (asyncio.create_task(issuer.has("old")) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    issuer.answers.set()
    assert await staying
    assert issuer.asked == 1


async def test_a_clock_that_is_set_back_stops_no_fetching() -> None:
    """A time in the future counts as elapsed by its distance."""
    issuer = Issuer(OLD)
    assert await issuer.has("old")
    issuer.document = key_set(NEW)
    issuer.now -= FRESH_MS
    assert await issuer.has("new")


async def test_without_a_key_id_the_one_key_is_meant() -> None:
    """If the issuer has several keys for the algorithm, the token must name one."""
    assert await Issuer(OLD).has(None)
    assert await Issuer(Signer(None)).has(None)
    assert not await Issuer(OLD, NEW).has(None)
    assert await Issuer(OLD, Signer("rsa", "RS256")).has(None)
    assert not await Issuer(OLD).has("old", "RS256")


async def test_a_file_is_read_anew(tmp_path: Path) -> None:
    """Keys in a file rotate like those behind a URL."""
    file = tmp_path / "keys.json"
    file.write_bytes(key_set(OLD))
    now = NOW
    gate = create_access_gate(Settings(auth_jwks=str(file), **JWKS), lambda: now)
    assert gate.tokens
    assert await gate.tokens.keys.find(KeyName("old", "ES256"))
    file.write_bytes(key_set(NEW))
    now += PAUSE_MS
    assert await gate.tokens.keys.find(KeyName("new", "ES256"))


@pytest.mark.parametrize("content", [None, b"", b"{}", key_set()])
def test_a_file_without_keys_stops_the_start(tmp_path: Path, content: bytes | None) -> None:
    """The error names the setting."""
    file = tmp_path / "keys.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UnusableSettings, match="MINGLE_AUTH_JWKS"):
        create_access_gate(Settings(auth_jwks=str(file), **JWKS), lambda: NOW)


@asynccontextmanager
async def answering(answer: bytes, endless: bytes = b"") -> AsyncIterator[str]:
    """Serve the same answer to everybody, then endless data; half a head stays incomplete."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        with contextlib.suppress(ConnectionError):
            while endless:
                writer.write(endless)
                await writer.drain()
            if b"\r\n\r\n" not in answer:
                await reader.read()  # until the client is gone
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}/keys"


def plain(status: str, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", "connection: close", *headers, "", ""]).encode()


async def test_keys_come_over_http() -> None:
    """The fetched document is the published one."""
    async with answering(plain("200 OK") + key_set(OLD)) as url:
        assert await fetch_from(url)() == key_set(OLD)


@pytest.mark.parametrize("status", ["302 Found", "404 Not Found", "500 Oops", "204 No Content"])
async def test_other_answers_bring_no_keys(status: str) -> None:
    """Redirects are refused too: only the configured host is trusted."""
    async with answering(plain(status, "location: /elsewhere")) as url:
        with pytest.raises(IssuerUnavailable, match=status[:3]):
            await fetch_from(url)()


async def test_an_endless_answer_is_cut() -> None:
    """It is cut beyond the size of any key set."""
    async with answering(plain("200 OK"), endless=b" " * 65_536) as url:
        document = await asyncio.wait_for(fetch_from(url)(), 30)
    assert MAX_BYTES < len(document) < 2 * MAX_BYTES


async def test_an_issuer_that_is_slow_is_away() -> None:
    """Requests do not wait forever."""
    async with answering(plain("200 OK", "content-length: 9")[:-1]) as url:
        with pytest.raises(IssuerUnavailable):
            await asyncio.wait_for(fetch_from(url, seconds=0.05)(), 30)


async def test_a_closed_port_is_an_unavailable_issuer(unused_tcp_port: int, tmp_path: Path) -> None:
    """A missing file counts as an unavailable issuer too."""
    nowhere = f"http://127.0.0.1:{unused_tcp_port}/keys"
    for place in (nowhere, str(tmp_path / "gone"), "https://a host/", "https://xn--/", "\0"):
        with pytest.raises(IssuerUnavailable):
            await fetch_from(place)()
