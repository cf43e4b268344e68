"""A position remembers the entries seen just below it, within bounds."""

from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import PostId, post_id
from services.api.page_position import LATE_MS, MAX_SEEN, PagePosition, with_seen

NOON = 1_790_000_000_000


def ids(*seconds: int) -> list[PostId]:
    """Return post ids of so many seconds after noon."""
    return [post_id(NOON + each * 1_000, 0) for each in seconds]


def test_a_place_remembers_what_it_gave() -> None:
    """They reach from the oldest entry seen, the floor, to the position."""
    oldest, middle, newest = ids(0, 10, 20)
    place = with_seen(PagePosition(newest, oldest), [newest, middle, oldest])
    assert place == PagePosition(newest, oldest, (middle, newest))


def test_the_floor_is_a_quarter_of_an_hour_below() -> None:
    """Older entries are forgotten; late ones there are not returned."""
    oldest, middle, newest = ids(0, 10, 20 + LATE_MS // 1_000)
    place = with_seen(PagePosition(newest, oldest), [newest, middle, oldest])
    assert place.seen == (newest,)
    assert middle < place.floor < newest
    exactly = with_seen(PagePosition(ids(LATE_MS // 1_000)[0], oldest), ids(0, LATE_MS // 1_000))
    assert exactly.floor == oldest


def test_the_floor_never_falls() -> None:
    """Going on to newer entries never reaches below where the walk began."""
    oldest, middle, newest = ids(0, 10, 20)
    start = with_seen(PagePosition(middle, oldest), [middle, oldest])
    assert with_seen(start._replace(position=newest), [newest]).floor == oldest


@given(st.integers(0, 3 * MAX_SEEN))
def test_a_place_remembers_so_many(count: int) -> None:
    """Of more entries it keeps the newest; below them none is returned again."""
    given_ids = ids(*range(count + 1))
    place = with_seen(PagePosition(given_ids[-1], given_ids[0]), given_ids)
    assert len(place.seen) == min(count, MAX_SEEN)
    assert place.floor == given_ids[-len(place.seen) - 1]
