"""Events between a reader's state and a page, in cases that no village produces."""

from schemas.ids import SEQUENCE_BITS, PostId, UserId
from services.api.stream.changes import (
    ChangeEvent,
    EntryEvent,
    ReaderState,
    RemovalEvent,
    StreamEvent,
    diff_events,
)
from services.readers.item import Item
from services.readers.paging import Page

LIMIT = 3
MINUTE = 60_000 << SEQUENCE_BITS


def item(post: int) -> Item:
    return Item(
        PostId(post), UserId(1), 0, "", None, "public", None, PostId(post), None, edited=False
    )


def page(*posts: int, older: int | None = None, building: bool = False) -> Page:
    at = None if older is None else PostId(older)
    return Page([item(each) for each in posts], older=at, building=building)


def holding(*posts: int, building: bool = False) -> ReaderState:
    return ReaderState(building=building).with_items(map(item, posts), LIMIT)


def state(given: ReaderState, shown: Page) -> list[StreamEvent]:
    return [event for event, _ in diff_events(given, shown, LIMIT)]


def test_nothing_is_removed_while_a_timeline_is_built() -> None:
    """The page is not authoritative; begin and end of building are changes."""
    (change,) = diff_events(holding(5, 4), page(building=True), LIMIT)
    assert change == (ChangeEvent(page(building=True)), holding(5, 4, building=True))
    assert state(change[1], page(5, building=True)) == []
    assert state(change[1], page(6, 5)) == [
        RemovalEvent(PostId(4)),
        EntryEvent(item(6)),
        ChangeEvent(page()),
    ]


def test_a_short_page_is_silent_about_what_it_did_not_reach() -> None:
    """A page that ended early at its walk's bound says nothing about what lies below."""
    given = holding(9, 5, 3)
    assert state(given, page(9, older=5)) == []
    assert state(given, page(9, older=4)) == [RemovalEvent(PostId(5))]


def test_what_leaves_the_window_is_not_removed() -> None:
    """The reader keeps no more items than requested, and neither does their state."""
    ((event, given),) = diff_events(holding(5, 4, 3), page(6, 5, 4, older=4), LIMIT)
    assert (event, given) == (EntryEvent(item(6)), holding(6, 5, 4))


def test_a_reader_of_a_smaller_page_holds_less() -> None:
    """A reader who returns with another limit gets events for that one."""
    assert list(diff_events(holding(5, 4, 3), page(5, older=5), 1)) == []


def test_a_removed_item_still_marks_how_far_its_reader_was() -> None:
    """Entries more than LATE_MS below it are not news."""
    given = holding(40 * MINUTE, 10 * MINUTE).without(PostId(40 * MINUTE))
    given = given.with_items([item(10 * MINUTE)], LIMIT)
    late, too_late = 25 * MINUTE, 24 * MINUTE
    assert state(given, page(late, 10 * MINUTE)) == [EntryEvent(item(late))]
    assert state(given, page(too_late, 10 * MINUTE)) == [ChangeEvent(page(too_late))]
