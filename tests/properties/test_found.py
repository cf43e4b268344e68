"""What the properties found once, and what they find too seldom, as short histories."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from schemas.events import Creation, PostCreated, ReplyCreated
from schemas.ids import PostId, UserId, post_id, post_time
from services.conversations.memory import MemoryConversations
from services.conversations.store import ReplyLink
from tests.histories import NOW, Fact
from tests.properties.world import REGISTRY, World

Place = tuple[int, int, str | None]
CONTRADICTED = "conversation_claims_contradicted_total"

ALICE, BOB, CAROL = 1, 2, 3
ROOT, OTHER, FIRST, SECOND, THIRD, LOST = (post_id(NOW - 60_000, n) for n in range(6))


def post(post: int, by: int, **fields: Any) -> Creation:
    kind = ReplyCreated if "parent_id" in fields else PostCreated
    return kind(version=post_time(post) * 1_000, post_id=post, author_id=by, **fields)


async def places(world: World, asked: int, viewer: int = ALICE) -> list[Place]:
    thread = await world.threads.read(PostId(asked), UserId(viewer))
    return [(each.post_id, each.depth, each.placeholder) for each in thread or ()]


async def told(*facts: Fact) -> World:
    """A world in which these were told one by one, in this order."""
    world = World()
    for fact in facts:
        await world.handle([fact])
        while world.outbox.sent:
            await world.handle([world.outbox.sent.pop()])
    return world


class SlowToClaim:
    """Conversations to which something happens just before the first claim is written."""

    def __init__(self, port: MemoryConversations, meanwhile: Callable[[], Awaitable[None]]) -> None:
        self._port = port
        self._meanwhile = [meanwhile]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)

    async def add_orphans(self, links: Sequence[ReplyLink]) -> None:
        while self._meanwhile:
            await self._meanwhile.pop()()
        await self._port.add_orphans(links)


async def test_the_parent_of_a_claimed_reply_arrives_last() -> None:
    """A reply that waits below a reply it claims is lifted to the root when that one is joined."""
    world = await told(
        post(FIRST, ALICE, parent_id=ROOT),
        post(SECOND, BOB, parent_id=LOST, root_id=FIRST),
        post(ROOT, ALICE),
    )
    assert await places(world, ROOT) == [
        (ROOT, 0, None),
        (FIRST, 1, None),
        (LOST, 1, "missing"),
        (SECOND, 2, None),
    ]


async def test_a_claim_follows_the_reply_that_it_names() -> None:
    """Bob claims alice's reply, which claims a root until its parent shows another."""
    waiting = (
        post(OTHER, CAROL),
        post(SECOND, ALICE, parent_id=FIRST, root_id=OTHER),
        post(THIRD, BOB, parent_id=LOST, root_id=SECOND),
    )
    lost = [(LOST, 1, "missing"), (THIRD, 2, None)]
    claimed = await places(await told(*waiting), OTHER)
    assert claimed == [(OTHER, 0, None), (FIRST, 1, "missing"), (SECOND, 2, None), *lost]

    world = await told(*waiting, post(ROOT, BOB), post(FIRST, BOB, parent_id=ROOT))
    assert await places(world, OTHER) == [(OTHER, 0, None)]
    joined = [(ROOT, 0, None), (FIRST, 1, None), (SECOND, 2, None)]
    assert await places(world, ROOT) == [*joined, *lost]


async def test_a_claimed_post_arrives_while_its_claim_is_written() -> None:
    """It found no claim yet, so the claim has to find it."""

    async def arrives() -> None:
        await world.handle([post(FIRST, ALICE, parent_id=ROOT)])

    def interrupted(port: Any) -> Any:
        return SlowToClaim(port, arrives) if isinstance(port, MemoryConversations) else port

    world = World(between=interrupted)
    await world.handle([post(ROOT, ALICE)])
    await world.handle([post(SECOND, BOB, parent_id=LOST, root_id=FIRST)])
    assert await places(world, ROOT) == [
        (ROOT, 0, None),
        (FIRST, 1, None),
        (LOST, 1, "missing"),
        (SECOND, 2, None),
    ]


async def test_a_repost_above_a_reply_does_not_show_what_only_others_may_see() -> None:
    """Carol answers bob's repost of alice's direct post."""
    world = await told(
        post(ROOT, ALICE, visibility="direct", mentions=(BOB,)),
        post(FIRST, BOB, repost_of=ROOT),
        post(SECOND, CAROL, parent_id=FIRST),
    )
    assert await places(world, SECOND, CAROL) == [(FIRST, -1, "missing"), (SECOND, 0, None)]
    assert await places(world, SECOND, BOB) == [(FIRST, -1, None), (SECOND, 0, None)]


async def test_claims_that_parents_contradict_are_counted() -> None:
    """As they are handled, or when the parent comes; not in cycles, nor where a reply is named."""
    facts = [
        post(ROOT, ALICE),
        post(OTHER, ALICE),
        post(FIRST, BOB, parent_id=ROOT, root_id=OTHER),
        post(SECOND, BOB, parent_id=FIRST, root_id=FIRST),
        post(THIRD, BOB, parent_id=FIRST, root_id=ROOT),
        post(LOST, BOB, parent_id=LOST, root_id=OTHER),
    ]
    for order in (facts, facts[::-1], [facts[4], facts[2], *facts[:2], facts[3], facts[5]]):
        before = REGISTRY.get_sample_value(CONTRADICTED) or 0
        await told(*order)
        assert REGISTRY.get_sample_value(CONTRADICTED) == before + 1
