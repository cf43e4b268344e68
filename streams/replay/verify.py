"""Verifies a replay: handles the whole log in memory, and compares the store with that."""

from collections.abc import Collection, Iterator
from random import Random
from typing import Any, NamedTuple

from schemas.ids import UserId
from schemas.snapshots import FOLLOW_EDGES
from services.handlers.erasure import erase_all
from services.readers.reader import Reader
from services.scan import MIN_TOKEN
from services.settings.brokers import Brokers
from streams.bootstrap import Deps, memory_stores
from streams.kafka.reader import TopicReader, in_batches
from streams.replay.log_check import (
    MOST_EVENTS,
    ListingDifference,
    Side,
    find_differences,
    handle_log,
)
from streams.replay.plan import FACTS, Plan
from streams.replay.planner import message_of
from streams.routes import create_inline_handlers


class LogComparison(NamedTuple):
    """The number of compared listings, and the differences."""

    compared: int
    differences: list[ListingDifference]


async def verify_log(plan: Plan, deps: Deps, count: int | None, random: Random) -> LogComparison:
    """Compare `count` homes and threads, all where None, with the log.

    Only those that the plan selects, unless it selects everything. Raises ValueError for a log that
    is too long, BrokerUnavailable and StoreUnavailable.
    """
    settings = deps.settings
    stores = memory_stores()
    handlers = create_inline_handlers(
        stores, deps.metrics, deps.retention, deps.clock, backfills=True, pull_followers=0
    )
    people = await handle_log(in_batches(_log(plan, settings.brokers, settings.epoch)), handlers)
    await erase_all(stores)
    posts = (await stores.posts.scan(MIN_TOKEN, MOST_EVENTS)).ids
    chosen = plan.choice
    users = people & {chosen.user or 0, chosen.author or 0} or people
    threads = chosen.posts & set(posts) or posts
    some_users, some_threads = _draw(users, count, random), _draw(threads, count, random)
    activity = [await deps.stores.activity.load(UserId(each)) for each in some_users]
    some_users = [
        each for each, seen in zip(some_users, activity, strict=True) if not seen.may_lack_entries
    ]  # the pages of the others say that entries were left out
    log = Side.on(Reader(stores, deps.clock, settings.epoch), deps.retention)
    store = Side.on(Reader(deps.stores, deps.clock, settings.epoch), deps.retention)
    return LogComparison(
        len(some_users) + len(some_threads),
        await find_differences(log, store, some_users, some_threads),
    )


def _log(plan: Plan, brokers: Brokers, epoch: int) -> Iterator[Any]:
    """Yield all facts that can be decoded, and edges if the plan reads their snapshot."""
    names = {each.topic for each in plan.sources} & {FOLLOW_EDGES} | set(FACTS)
    with TopicReader(brokers) as reader:
        for record in reader.read_all(reader.spans(sorted(names))):
            message = message_of(record, epoch)
            if message is not None:
                yield message


def _draw(all_of_them: Collection[int], count: int | None, random: Random) -> list[int]:
    known = sorted(all_of_them)
    return known if count is None else random.sample(known, min(count, len(known)))
