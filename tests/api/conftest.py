"""A village, and a client of its API."""

import os
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.api.village import Village, api_on, client_of


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in os.environ if each.startswith("MINGLE_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def village() -> Village:
    return Village()


@pytest.fixture
async def client(village: Village) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(api_on(village.stores)) as client:
        yield client
