"""Whoever does as the stream tells him holds the page, whatever happens, wherever he is cut off."""

from functools import partial
from random import Random

import msgspec
from hypothesis import strategies as st

from schemas.ids import DAY_MS, UserId
from services.api.answers import item
from services.api.cursors import Cursors
from services.api.stream.resume import unseal
from services.api.stream.watcher import HomeWatcher, StreamShape, stream_listing
from services.readers.paging import PageRequest
from tests.api.streaming import Holder, parsed
from tests.histories import PEOPLE, READER, Fact, chances
from tests.properties.conftest import Prove
from tests.properties.world import World, batches
from tests.relation_histories import whole_histories

CURSORS = Cursors(["a key"])
viewers = st.sampled_from((*PEOPLE, READER))
limits = st.sampled_from((1, 2, 3, 20))


class Follower:
    """Reads a home by its stream, through one process after the other."""

    def __init__(self, world: World, viewer: int, limit: int) -> None:
        self.holder = Holder(limit)
        self._world = world
        self._viewer = UserId(viewer)
        self._limit = limit
        self._reading = self._begun()

    def _begun(self) -> HomeWatcher:
        """Where the last event that came left off."""
        last = self.holder.last_id
        given = None if last is None else unseal(CURSORS, stream_listing(self._viewer), last)
        read = partial(self._world.home.page, self._viewer)
        return HomeWatcher(read, CURSORS, self._viewer, StreamShape(self._limit, True), given)

    async def look(self, chance: Random) -> int:
        """Takes what there is, or is cut off after a part of it and goes on from there.

        How much there was.
        """
        events = parsed("".join(each.data.decode() for each in await self._reading.poll()))
        taken = chance.randint(0, len(events)) if chance.random() < 0.5 else len(events)
        for event in events[:taken]:
            self.holder.take(event)
        if taken < len(events) or chance.random() < 0.2:
            self._reading = self._begun()
        return len(events)

    async def holds_the_page(self) -> None:
        page = await self._world.home.page(self._viewer, PageRequest(self._limit))
        fresh = msgspec.json.decode(msgspec.json.encode([item(each) for each in page.items]))
        assert self.holder.page() == fresh


def test_a_follower_ends_with_what_a_fresh_page_shows(prove: Prove) -> None:
    """Nothing is lost or given twice, cut off wherever he was, in whatever order things happen.

    Time goes on meanwhile: mutes expire, and posts are past their retention.
    """

    async def holds(facts: list[Fact], viewer: int, limit: int, chance: Random) -> None:
        world = World()
        follower = Follower(world, viewer, limit)
        for batch in batches(facts, chance):
            await world.deliver(batch, chance)
            world.now += chance.choice((0, 0, 0, 1, 2, DAY_MS // 2))
            if chance.random() < 0.7:
                await follower.look(chance)
        while await follower.look(chance):
            pass
        await follower.holds_the_page()

    prove(holds, 150, whole_histories(), viewers, limits, chances)
