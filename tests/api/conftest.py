"""A village, and a client of its API."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.api.village import Village, api_on, client_of


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MINGLE_API_HOST", "MINGLE_CURSOR_KEYS", "MINGLE_EPOCH", "MINGLE_RETENTION_DAYS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def village() -> Village:
    return Village()


@pytest.fixture
async def client(village: Village) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(api_on(village.stores)) as client:
        yield client
