"""A browser for each test, or a skip that says what to install."""

import os
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from tests.api.village import Village
from tests.explorer.browser import MISSING, find_browser, running_browser


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in os.environ if each.startswith("MINGLE_")]:
        if name != "MINGLE_TEST_BROWSER":
            monkeypatch.delenv(name)


@pytest.fixture
def village() -> Village:
    return Village()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    program = find_browser()
    if program is None:
        pytest.skip(MISSING)
    async with running_browser(program) as browser:
        yield browser
