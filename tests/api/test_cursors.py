"""Cursors survive a round trip, and nothing else is accepted as one."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import MAX_ID, PostId
from services.api.cursors import LOOPBACK_KEY, MAX_TOKEN, Cursors, InvalidCursor
from services.api.page_position import LATE_MS, MAX_SEEN, PagePosition, bare_position

HOME = "home/1"
WINDOW = LATE_MS << 22
POSITIONS = st.integers(1, MAX_ID).map(PostId)


@st.composite
def places(draw: st.DrawFn) -> PagePosition:
    position = draw(POSITIONS)
    floor = PostId(max(1, position - draw(st.integers(0, WINDOW))))
    if floor == position:
        return bare_position(position)
    entries = st.lists(st.integers(floor + 1, position), max_size=20, unique=True)
    return PagePosition(position, floor, tuple(map(PostId, sorted(draw(entries)))))


@given(places())
def test_a_cursor_opens_to_its_place(place: PagePosition) -> None:
    """It holds whatever entries the position remembers."""
    cursors = Cursors(["a key"])
    assert cursors.open(HOME, cursors.seal(HOME, place)) == place


@given(places(), st.data())
def test_a_changed_cursor_is_forged(place: PagePosition, data: st.DataObject) -> None:
    """No character may be changed, removed or appended."""
    cursors = Cursors(["a key"])
    token = cursors.seal(HOME, place)
    index = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("AbZ09-_=+/ \n.é\x00").filter(lambda c: c != token[index]))
    for changed in (
        token[:index] + other + token[index + 1 :],
        token[:index] + token[index + 1 :],
        token + other,
    ):
        with pytest.raises(InvalidCursor):
            cursors.open(HOME, changed)


@given(st.text())
def test_text_is_no_cursor(text: str) -> None:
    """It holds for any length and alphabet."""
    with pytest.raises(InvalidCursor):
        Cursors(["a key"]).open(HOME, text)


def test_a_cursor_belongs_to_one_listing_and_viewer() -> None:
    """It does not work for another user's home or another listing."""
    cursors = Cursors(["a key"])
    token = cursors.seal(HOME, bare_position(PostId(7)))
    for other in ("home/2", "posts/1/", "home/1/"):
        with pytest.raises(InvalidCursor):
            cursors.open(other, token)


def test_a_cursor_does_not_show_its_place() -> None:
    """Nothing of it can be read, and those of two listings cannot be compared."""
    place = PagePosition(PostId(MAX_ID - 5), PostId(MAX_ID - 9), (PostId(MAX_ID - 7),))
    here, there = (content(Cursors(["a key"]).seal(each, place)) for each in (HOME, "home/2"))
    for each in (here, there):
        assert place.position.to_bytes(8) not in each
        assert place.floor.to_bytes(8) not in each
    assert not set(batched_by(8, here[1:])) & set(batched_by(8, there[1:]))


def batched_by(size: int, data: bytes) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def content(token: str) -> bytes:
    return urlsafe_b64decode(token + "=" * (-len(token) % 4))


def signed(key: str, listing: str, place: PagePosition) -> str:
    """The token that the release before made."""
    payload = b"\x01" + place.position.to_bytes(8)
    if place.floor != place.position:
        offsets = (each - place.floor for each in place.seen)
        payload += place.floor.to_bytes(8) + b"".join(each.to_bytes(6) for each in offsets)
    mac = hmac.digest(key.encode(), listing.encode() + b"\x00" + payload, "sha256")[:16]
    return urlsafe_b64encode(mac + payload).rstrip(b"=").decode()


def test_signed_cursors_of_before_are_accepted() -> None:
    """In this release; made with one of the keys, and for this listing."""
    token = signed("old", HOME, bare_position(PostId(7)))
    assert token == "dXXDOilrH_C1XcV0p4-guwEAAAAAAAAABw"
    assert Cursors(["new", "old"]).open(HOME, token) == bare_position(PostId(7))
    seen = PagePosition(PostId(9), PostId(5), (PostId(8),))
    assert Cursors(["old"]).open(HOME, signed("old", HOME, seen)) == seen
    with pytest.raises(InvalidCursor):
        Cursors(["new"]).open(HOME, token)
    with pytest.raises(InvalidCursor):
        Cursors(["old"]).open("home/2", token)


def test_a_signed_cursor_that_begins_like_an_encrypted_one_is_accepted() -> None:
    """A MAC may begin with any byte."""
    tokens = (signed("old", HOME, bare_position(PostId(each))) for each in range(1, 10_000))
    token = next(each for each in tokens if content(each)[0] == 2)
    assert Cursors(["old"]).open(HOME, token).position < 10_000


def test_keys_rotate() -> None:
    """The first key encrypts, all decrypt, and a removed key no longer does."""
    old, both, new = Cursors(["old"]), Cursors(["new", "old"]), Cursors(["new"])
    place = bare_position(PostId(7))
    assert both.open(HOME, old.seal(HOME, place)) == place
    assert new.open(HOME, both.seal(HOME, place)) == place
    with pytest.raises(InvalidCursor):
        new.open(HOME, old.seal(HOME, place))


def test_without_a_key_every_process_has_the_same() -> None:
    """A client can keep paging after a restart on the loopback."""
    place = bare_position(PostId(7))
    token = Cursors(()).seal(HOME, place)
    assert Cursors(()).open(HOME, token) == place
    assert Cursors([LOOPBACK_KEY]).seal(HOME, place) == token


def test_the_longest_cursor_fits_a_header() -> None:
    """`next` and `prev` together stay below 4 KiB and are accepted."""
    position = PostId(MAX_ID)
    given = tuple(PostId(position - offset) for offset in range(MAX_SEEN - 1, -1, -1))
    place = PagePosition(position, PostId(position - WINDOW), given)
    cursors = Cursors(["a key"])
    token = cursors.seal(HOME, place)
    assert len(token) + len(cursors.seal(HOME, bare_position(position))) < 2_500 < MAX_TOKEN
    assert cursors.open(HOME, token) == place
