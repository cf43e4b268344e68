"""The contract of `services.pulled.store`."""

from schemas.ids import DAY_MS
from services.buckets import BUCKET_MS
from services.pulled.store import Flag
from services.stores import Stores
from tests.contracts.histories import NOW, People

NOW_BUCKET = NOW // BUCKET_MS
OLDEST = (NOW - 30 * DAY_MS) // BUCKET_MS
"""Of a retention of 30 days."""


async def of(stores: Stores, people: People, first: int) -> set[Flag]:
    """The flags of these people: others may have some."""
    return {each for each in await stores.pulled.flagged(first) if each.author_id in people}


async def test_a_flag_is_there_from_its_bucket_on(stores: Stores, people: People) -> None:
    """Whoever reads what is newer need not know of it."""
    old, new = Flag(NOW_BUCKET - 1, people.alice), Flag(NOW_BUCKET, people.bob)
    assert await of(stores, people, OLDEST) == set()
    await stores.pulled.flag([old, new])
    assert await of(stores, people, OLDEST) == {old, new}
    assert await of(stores, people, old.bucket) == {old, new}
    assert await of(stores, people, new.bucket) == {new}


async def test_flags_only_accumulate(stores: Stores, people: People) -> None:
    """Again changes nothing; an author may have one in each bucket."""
    flags = {Flag(bucket, people.alice) for bucket in range(OLDEST, NOW_BUCKET + 1)}
    await stores.pulled.flag(list(flags))
    await stores.pulled.flag([Flag(NOW_BUCKET, people.alice)] * 2)
    assert await of(stores, people, OLDEST) == flags


async def test_the_oldest_bucket_that_is_read_still_has_its_flags(
    stores: Stores, people: People
) -> None:
    """They live as long as what they stand for may be shown."""
    flag = Flag(OLDEST, people.carol)
    await stores.pulled.flag([flag])
    assert await of(stores, people, OLDEST) == {flag}
