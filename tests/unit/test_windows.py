"""Rule 4 on plain values: windows, and who has a place in them."""

from typing import NamedTuple

import pytest

from schemas.ids import DAY_MS, PostId, UserId, post_id
from services.posts.post import Post
from services.reposts.window import Window
from services.visibility.view import View
from services.visibility.windows import place_in_windows

BEGAN = 1_760_000_000_000
ALICE, BOB, CAROL = map(UserId, (1, 2, 3))


def at(hours: float, number: int = 0) -> PostId:
    """The id of a post so many hours after the original."""
    return post_id(BEGAN + round(hours * 3_600_000), number)


ORIGINAL = at(0, 5)


@pytest.mark.parametrize(
    ("hours", "number"),
    [(-1_000, 0), (0, 0), (23.999, 0), (24, 1), (24.001, 1), (47.999, 1), (48, 2), (240, 10)],
)
def test_a_window_begins_every_24_hours(hours: float, number: int) -> None:
    """By the millisecond; the first has all that is dated before the original."""
    for each in (at(hours, 0), at(hours, 9)):
        window = Window.of(each, ORIGINAL)
        assert window == Window(ORIGINAL, number)
        assert window.above < each < window.below


def test_windows_leave_nothing_between_them() -> None:
    """Each ends where the next begins."""
    edges = [Window(ORIGINAL, number) for number in range(4)]
    assert [each.above for each in edges[1:]] == [each.below - 1 for each in edges[:-1]]
    assert edges[0].above == 0
    assert edges[0].below == at(24)
    assert DAY_MS == 86_400_000


class Case(NamedTuple):
    claim: str
    reasons: list[Post]
    expected: dict[PostId, tuple[UserId, ...]]


def post(which: PostId, by: UserId, of: PostId | None = None) -> Post:
    return Post(which, by, repost_of=of)


EARLY, SOON, LATER, NEXT = at(-9), at(1), at(2), at(25)
TOLD = post(ORIGINAL, ALICE)
CASES = [
    Case("nothing visible has no place", [], {}),
    Case("a post has its own, with nobody named", [TOLD], {ORIGINAL: ()}),
    Case("a repost names who made it", [post(SOON, BOB, ORIGINAL)], {SOON: (BOB,)}),
    Case(
        "the earliest has the place, and names all in their order",
        [post(LATER, CAROL, ORIGINAL), post(SOON, BOB, ORIGINAL)],
        {SOON: (BOB, CAROL)},
    ),
    Case(
        "the original is a reason too, and names its reposters",
        [post(SOON, BOB, ORIGINAL), TOLD],
        {ORIGINAL: (BOB,)},
    ),
    Case(
        "a repost dated before it comes first",
        [TOLD, post(EARLY, CAROL, ORIGINAL), post(SOON, BOB, ORIGINAL)],
        {EARLY: (CAROL, BOB)},
    ),
    Case(
        "who reposts twice is named once",
        [post(SOON, BOB, ORIGINAL), post(LATER, BOB, ORIGINAL)],
        {SOON: (BOB,)},
    ),
    Case(
        "another window has another place",
        [TOLD, post(NEXT, BOB, ORIGINAL)],
        {ORIGINAL: (), NEXT: (BOB,)},
    ),
    Case(
        "a repost of a repost counts for the original",
        [post(SOON, BOB, ORIGINAL), post(LATER, CAROL, SOON)],
        {SOON: (BOB, CAROL)},
    ),
    Case(
        "other originals have windows of their own",
        [post(at(0, 6), ALICE), TOLD, post(SOON, BOB, at(0, 6))],
        {ORIGINAL: (), at(0, 6): (BOB,)},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.claim)
def test_the_earliest_visible_reason_has_the_place(case: Case) -> None:
    """In whatever order they come."""
    known = {each.post_id: each for each in (*case.reasons, TOLD)}
    view = View(None, known)
    assert place_in_windows(case.reasons, view) == case.expected
    assert place_in_windows(case.reasons[::-1], view) == case.expected
