"""Slots, post ids and canonical JSON, against what is written elsewhere."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import schemas
from schemas.canonical import canonical, value_of
from schemas.ids import DEFAULT_EPOCH, MAX_ID, SLOTS, first_post_id, post_id, post_time, slot, slots
from schemas.tags import normal_tag

VECTORS = json.loads((Path(schemas.__file__).parent / "vectors" / "slot.json").read_text())
SPLITMIX_FROM_ZERO = [
    0xE220A8397B1DCDAF,
    0x6E789E6AA1B965F4,
    0x06C45D188009454F,
    0xF88BB8A8724C81EC,
]
"""The first outputs of SplitMix64 seeded with 0, as its reference implementation prints them."""
GAMMA = 0x9E3779B97F4A7C15
"""What it adds to its state for each output."""


def test_slots_are_those_of_the_vectors() -> None:
    """One by one and many at a time."""
    users = np.array([int(user) for user in VECTORS])

    assert slots(users).tolist() == list(VECTORS.values())
    assert [slot(user) for user in users.tolist()] == list(VECTORS.values())


@pytest.mark.parametrize("place", range(4))
def test_slots_are_those_of_splitmix64(place: int) -> None:
    """Its next output is the mix of its state, which is where a user id stands."""
    state = place * GAMMA % 2**64
    assert slot(state) == SPLITMIX_FROM_ZERO[place] >> 32
    assert slots(np.array([state], np.uint64)).tolist() == [slot(state)]


@given(st.integers(0, MAX_ID))
def test_a_slot_is_a_place_among_slots(user: int) -> None:
    """Alone and in an array alike."""
    assert slot(user) == slots(np.array([user]))[0]
    assert 0 <= slot(user) < SLOTS


@given(st.integers(DEFAULT_EPOCH + 1, DEFAULT_EPOCH + 2**41 - 1), st.integers(0, 2**22 - 1))
def test_a_post_id_holds_its_time(time: int, sequence: int) -> None:
    """And ids are ordered by it."""
    minted = post_id(time, sequence)

    assert post_time(minted) == time
    assert first_post_id(time) <= minted < first_post_id(time + 1)


@pytest.mark.parametrize("time", [DEFAULT_EPOCH - 1, DEFAULT_EPOCH + 2**41])
def test_no_post_id_outside_its_years(time: int) -> None:
    """Before the epoch, and after 2069."""
    with pytest.raises(ValueError, match="time_ms"):
        post_id(time, 1)


@pytest.mark.parametrize(
    ("field", "value", "bytes_"),
    [
        ("text", None, b'""'),
        ("text", 'é"\\\b\f\n\r\t', b'"\xc3\xa9\\"\\\\\\b\\f\\n\\r\\t"'),
        ("text", "\x00\x1f\x7f\U0001f600", b'"\\u0000\\u001f\x7f\xf0\x9f\x98\x80"'),
        ("visibility", None, b'"public"'),
        ("lang", None, b"null"),
        ("mentions", (10, 9, 10), b'["10","9"]'),
        ("tags", ("b", "a", "b", "é"), '["a","b","é"]'.encode()),
        ("reply_gate", (), b"[]"),
        ("reply_gate", None, b"null"),
        ("reposts", None, b"true"),
        ("bare_links", False, b"false"),
        ("scope", None, b'"all"'),
        ("whole_word", None, b"true"),
        ("contexts", None, b"[]"),
        ("contexts", ("threads", "home", "threads"), b'["home","threads"]'),
        ("action", None, b'"hide"'),
        ("exclusive", None, b"false"),
        ("everywhere", None, b"false"),
        ("list_replies", None, b'"list"'),
        ("expires_at", None, b"null"),
        ("expires_at", 1_760_000_000_000_000, b"1760000000000000"),
    ],
)
def test_canonical_json(field: str, value: object, bytes_: bytes) -> None:
    """RFC 8785: the shortest escapes, sets sorted by bytes, defaults written out."""
    assert canonical(field, value) == bytes_


@given(st.text())
def test_canonical_text_is_read_back(text: str) -> None:
    """Whatever it is."""
    assert value_of(canonical("text", text)) == text


@pytest.mark.parametrize(
    ("tag", "normal"),
    [
        ("bread", "bread"),
        ("#Bread", "bread"),
        ("##bread", "#bread"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("#Ὀδυσσεύς", "ὀδυσσεύσ"),
    ],
)
def test_tags_are_compared_without_case_and_sign(tag: str, normal: str) -> None:
    """One `#` is a sign, a second one a part of the tag."""
    assert normal_tag(tag) == normal
