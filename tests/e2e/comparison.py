"""Everything that is shown, read back through the API's own code and compared with the model."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from multiprocessing import get_context
from typing import TypeVar

import uvloop

from schemas.ids import PostId, UserId
from services.readers.home import Home
from services.readers.item import Item
from services.readers.paging import PageRequest
from services.readers.reader import Reader
from services.readers.thread import Threads
from services.settings.settings import Settings
from streams.bootstrap import Deps
from streams.process.processes import open_deps
from tests.model import Model
from tests.shown import placed, shown

T = TypeVar("T")

READERS = 32
"""Reads at a time, in each process."""
PROCESSES = 2
HELD: list[Model] = []
"""What a comparing process compares with."""


def compare_all(settings: Settings, model: Model, one_home_in: int = 1) -> int:
    """Every home, and the thread of every root and orphan; how many entries the homes have.

    Of the homes one in so many: of a real data set all of them take ten minutes.
    """
    context = get_context("spawn")  # threads of drivers, here already, survive no fork
    with ProcessPoolExecutor(PROCESSES, context, hold, (model,)) as processes:
        shares = [
            processes.submit(compare_share, settings, share, one_home_in)
            for share in range(PROCESSES)
        ]
        return sum(share.result() for share in shares)


def hold(model: Model) -> None:
    """What this process is to compare with."""
    HELD.append(model)


def compare_share(settings: Settings, share: int, one_home_in: int) -> int:
    """Reads a share of the homes and threads and compares; how many entries the homes have."""
    return uvloop.run(compare(settings, HELD[-1], share, one_home_in))


async def compare(settings: Settings, model: Model, share: int, one_home_in: int) -> int:
    async with connected(settings) as deps:
        reader = Reader(deps.stores, deps.clock, settings.epoch)
        home, threads = Home(reader, deps.retention), Threads(reader)
        users = sorted({user for user in (*model.edges, *model.written) if user})
        mine = users[share :: PROCESSES * one_home_in]
        counts = await gather_bounded((same_home(home, model, user) for user in mine), READERS)
        asked = [post for post in sorted(model.posts) if starts_thread(model, post)]
        await gather_bounded(
            (same_thread(threads, model, post) for post in asked[share::PROCESSES]), READERS
        )
        return sum(counts)


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Deps]:
    """The stores of the settings once they have answered."""
    async with open_deps(settings) as deps:
        await deps.connect()
        yield deps


def starts_thread(model: Model, post: int) -> bool:
    """Whether the post is a root, or an orphan that is in no root's thread."""
    known = model.posts[post]
    return not known["repost_of"] and (not known["parent_id"] or model.root(post) is None)


async def same_home(home: Home, model: Model, user: int) -> int:
    items: list[Item] = []
    before = None
    while True:
        page = await home.page(UserId(user), PageRequest(limit=100, before=before))
        items += page.items
        if page.older is None:
            break
        before = page.older
    assert [shown(item) for item in items] == model.home(user), user
    return len(items)


async def same_thread(threads: Threads, model: Model, post: int) -> None:
    given = await threads.read(PostId(post), None)
    said = None if given is None else [placed(each) for each in given]
    assert said == model.thread(None, post), post


async def gather_bounded(tasks: Iterable[Awaitable[T]], at_once: int) -> list[T]:
    """Awaits all, so many at a time."""
    gate = asyncio.Semaphore(at_once)

    async def one(task: Awaitable[T]) -> T:
        async with gate:
            return await task

    return await asyncio.gather(*map(one, tasks))
