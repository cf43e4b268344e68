"""Mentions and what waits for an answer are what the model says, in any order of arrival."""

from collections.abc import Sequence
from random import Random
from typing import Any, cast

from hypothesis import strategies as st

from schemas.events import PostCreated, PostDeleted, PostEdited, QuoteDetached, ReplyCreated
from schemas.ids import DAY_MS, PostId, UserId, post_time
from services.readers.paging import Page, PageRequest
from services.readers.unanswered import AnswerSort
from tests.histories import NOW, PEOPLE, POSTS, READER, RETENTION_DAYS, Fact, chances, log
from tests.model import Model
from tests.properties.concurrent_writer import ConcurrentWriter
from tests.properties.conftest import Prove
from tests.properties.world import World
from tests.relation_histories import relation_facts, whole_histories
from tests.shown import shown

ALL = PageRequest(limit=100)
KINDS = ("reply",) * 6 + ("twice", "deleted", "unknown", "edited", "detached")
TALKERS = (*PEOPLE, READER)


@st.composite
def talks(draw: st.DrawFn) -> list[Fact]:
    """A conversation in lines, whose posts name people, are edited, deleted, claimed twice."""
    few = POSTS[-8:]
    facts: list[Fact] = []
    for place, post in enumerate(few):
        whose: dict[str, Any] = {
            "version": post_time(post) * 1_000 + draw(st.integers(0, 1)),
            "post_id": post,
            "author_id": draw(st.sampled_from(PEOPLE)),
            "mentions": draw(st.sampled_from(((), (), (1,), (2, READER)))),
            "visibility": draw(st.sampled_from((None, None, None, None, "followers", "direct"))),
        }
        if draw(st.integers(0, 4)) == 0:
            whose["quote_of"] = draw(st.sampled_from(few))
        parent = draw(st.sampled_from((*few[max(0, place - 2) : place], *few[:place], few[-1])))
        kind = draw(
            st.sampled_from(("reply",) * 6 + ("twice", "deleted", "unknown", "edited", "detached"))
        )
        if place == 0:
            facts.append(PostCreated(**whose, reply_gate=draw(st.sampled_from((None, None, ())))))
        elif kind != "unknown":
            facts.append(ReplyCreated(**whose, parent_id=parent, root_id=few[0]))
        if kind == "twice":
            again = {"author_id": draw(st.sampled_from(PEOPLE)), "mentions": ()}
            other = draw(st.sampled_from(few))
            facts.append(ReplyCreated(**whose | again, parent_id=other))
        if kind == "deleted":
            facts.append(PostDeleted(version=0, post_id=post, author_id=whose["author_id"]))
        if kind == "detached":
            by = draw(st.sampled_from(PEOPLE))
            facts.append(QuoteDetached(version=0, post_id=post, author_id=by))
        if kind == "edited":
            said = {each: whose[each] for each in ("post_id", "author_id")}
            facts.append(PostEdited(**said, version=NOW * 1_000, mentions=(3,)))
    return facts + draw(st.lists(relation_facts, max_size=6))


histories = talks() | talks() | whole_histories()


def items(page: Page) -> list[dict[str, Any]]:
    return [shown(item) for item in page.items]


def model(facts: Sequence[Fact]) -> Model:
    return Model(log(facts), NOW, RETENTION_DAYS * DAY_MS)


async def assert_agree(world: World, expected: Model) -> None:
    for viewer in map(UserId, TALKERS):
        mentions = items(await world.mentions.page(viewer, ALL))
        assert mentions == expected.mentions(viewer), viewer
        waiting = items(await world.unanswered.page(viewer, ALL))
        assert waiting == expected.unanswered(viewer), viewer
        oldest = items(await world.unanswered.page(viewer, ALL, "oldest"))
        assert oldest == waiting[::-1], viewer


def test_everybody_is_told_what_speaks_to_them(prove: Prove) -> None:
    """And what of it waits for their answer, whatever the order in which it arrived."""

    async def holds(facts: list[Fact], chance: Random) -> None:
        await assert_agree(await World().deliver(facts, chance), model(facts))

    prove(holds, 150, histories, chances)


def test_half_a_talk_is_a_talk_too(prove: Prove) -> None:
    """What comes late is told where it belongs, and what comes again changes nothing."""

    async def holds(early: list[Fact], late: list[Fact], chance: Random) -> None:
        world = await World().deliver(early, chance)
        await assert_agree(world, model(early))
        await world.deliver(late, chance)
        await assert_agree(world, model([*early, *late]))
        await world.deliver(chance.sample(early, chance.randint(0, len(early))), chance)
        await assert_agree(world, model([*early, *late]))

    prove(holds, 40, histories, histories, chances)


def test_workers_that_fail_midway_miss_nobody(prove: Prove) -> None:
    """Several at once, whose steps interleave and may each fail and be done again."""

    async def holds(facts: list[Fact], chance: Random, failing: float) -> None:
        world = World(between=lambda port: ConcurrentWriter(port, chance, failing))
        await world.deliver_by(3, facts, chance)
        await assert_agree(world, model(facts))

    prove(holds, 60, histories, chances, st.sampled_from((0, 0.02, 0.1)))


def test_pages_give_each_once_from_either_end(prove: Prove) -> None:
    """By any size of page."""

    async def holds(facts: list[Fact], chance: Random, limit: int, sort: str) -> None:
        world, order = await World().deliver(facts, chance), cast("AnswerSort", sort)
        for viewer in map(UserId, TALKERS):
            whole = [each["post_id"] for each in model(facts).unanswered(viewer)]
            whole = whole if order == "newest" else whole[::-1]
            found: list[int] = []
            page = await world.unanswered.page(viewer, PageRequest(limit), order)
            while True:
                found += [item.post_id for item in page.items]
                if page.older is None:
                    break
                further = PageRequest(limit, before=page.older)
                page = await world.unanswered.page(viewer, further, order)
            assert found == whole
            if not whole:
                continue
            end = PostId(0) if order == "newest" else PostId(2**62)
            back: list[int] = []
            page = await world.unanswered.page(viewer, PageRequest(limit, after=end), order)
            while page.items:
                back = [item.post_id for item in page.items] + back
                further = PageRequest(limit, after=page.newer)
                page = await world.unanswered.page(viewer, further, order)
            assert back == whole

    prove(holds, 40, histories, chances, st.integers(1, 3), st.sampled_from(("newest", "oldest")))
