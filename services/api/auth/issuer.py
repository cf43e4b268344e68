"""Fetches an issuer's keys from a URL or a file."""

import asyncio
from pathlib import Path
from typing import Final

import httpx

from services.api.auth.jwks import MAX_BYTES
from services.api.auth.keys import Fetch, IssuerUnavailable

FETCH_SECONDS: Final = 5.0
"""Longest fetch of a key set; requests with tokens of unknown keys wait for it."""


def is_url(place: str) -> bool:
    return "://" in place


def fetch_from(place: str, seconds: float = FETCH_SECONDS) -> Fetch:
    """Return a function that fetches a key set from a URL or a file."""

    async def fetch() -> bytes:
        try:
            async with asyncio.timeout(seconds):
                if is_url(place):
                    return await _download(place)
                return await asyncio.to_thread(read_file, Path(place))
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            # A TimeoutError is an OSError; httpx raises ValueError for some invalid hosts.
            raise IssuerUnavailable(f"{place}: {str(error) or type(error).__name__}") from error

    return fetch


def read_file(path: Path) -> bytes:
    """Return a file, cut just above the size limit of a key set. Raises OSError."""
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


async def _download(url: str) -> bytes:
    """Redirects are not followed: only the configured host is trusted."""
    document = bytearray()
    async with httpx.AsyncClient() as client, client.stream("GET", url) as answer:
        if answer.status_code != httpx.codes.OK:
            raise httpx.HTTPError(f"answered {answer.status_code}")
        async for chunk in answer.aiter_bytes():
            document += chunk
            if len(document) > MAX_BYTES:
                break
    return bytes(document)
