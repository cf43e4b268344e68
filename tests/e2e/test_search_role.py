"""Words are found by a role of their own: delivery waits for it no more than it for delivery."""

import asyncio
import signal
from collections.abc import Sequence

import pytest
import uvloop

from services.readers.paging import PageRequest
from services.readers.reader import Reader
from services.readers.search import SearchPosts, search_criteria
from services.settings.settings import Settings
from tests.e2e.comparison import compare_all, connected
from tests.e2e.pipeline import DELIVERY, FIRST, READ, Pipeline, Record
from tests.e2e.village import HAMLET, model_of
from tests.model import Model
from tests.shown import shown

SEED = 6
DRAIN_SECONDS = 180.0
QUESTIONS = ("the", "again", "again the", "the 7th", "14th", "nowhere", "")

pytestmark = pytest.mark.e2e


def test_homes_are_whole_while_the_search_is_away(pipeline: Pipeline, record: Record) -> None:
    """It is killed while it works; started again, it finds what the model finds, and no more."""
    log = HAMLET.seeded(SEED)
    model = model_of(log)
    pipeline.start_worker("delivery", *DELIVERY)
    pipeline.start_worker("search", "--role", "search")
    pipeline.until(lambda: bool(pipeline.members("search").get("search")))
    half = len(log) // 2
    pipeline.publish(log[:half])
    pipeline.until(lambda: any(pipeline.offsets("search").values()))
    assert pipeline.kill("search") == -signal.SIGKILL
    pipeline.publish(log[half:])
    pipeline.drain(DRAIN_SECONDS, FIRST)
    left = pipeline.lag("search", READ["search"])
    assert left, "it had nothing left to do"
    assert compare_all(pipeline.settings, model) > 0
    pipeline.start_worker("search", "--role", "search")
    pipeline.until(lambda: not pipeline.lag("search", READ["search"]))
    found = uvloop.run(found_as_in(pipeline.settings, model))
    record("search killed", events=len(log), unhandled_at_the_kill=left, found=found)


async def found_as_in(settings: Settings, model: Model) -> int:
    """How many posts were found, each question's as the model finds them."""
    async with connected(settings) as deps:
        search = SearchPosts(Reader(deps.stores, deps.clock, settings.epoch))
        pages = await asyncio.gather(*(all_of(search, text) for text in QUESTIONS))
        for text, items in zip(QUESTIONS, pages, strict=True):
            assert items == model.search(None, text), text
        return sum(map(len, pages))


async def all_of(search: SearchPosts, text: str) -> Sequence[object]:
    items: list[object] = []
    request = PageRequest(limit=100)
    while True:
        page = await search.page(search_criteria(text), None, request)
        items += [shown(item) for item in page.items]
        if page.older is None:
            return items
        request = PageRequest(limit=100, before=page.older)
