"""Whatever is nearly a message is decoded or refused, and what was encoded comes back."""

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec.structs import replace

import schemas
from schemas.codec import KINDS, decode, encode, key_for
from schemas.errors import SchemaViolation
from schemas.events import ReplyDeleted, ReplyEdited
from schemas.generate import schema_of
from tests.histories import NOW, POSTS, Fact, histories

EXAMPLES = [
    json.loads(file.read_bytes())
    for file in sorted((Path(schemas.__file__).parent / "examples").rglob("*.json"))
]
FIELDS = sorted({field for example in EXAMPLES for field in example})
SCHEMAS = {tag: Draft202012Validator(schema_of(tag)) for tag in KINDS}

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["0", "-1", "01", "9" * 19, "1\n", "\u0661", "list:1", "public"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
changes = st.dictionaries(st.sampled_from(FIELDS), anything, min_size=1, max_size=3)


@given(st.sampled_from(EXAMPLES), changes, st.sets(st.sampled_from(FIELDS), max_size=2))
def test_what_is_nearly_a_message_is_decoded_or_refused(
    example: dict[str, Any], changed: dict[str, Any], dropped: set[str]
) -> None:
    """By the one error there is; what is decoded agrees with its JSON Schema, and encodes again."""
    said = {field: value for field, value in (example | changed).items() if field not in dropped}
    kind = KINDS[example["type"]]
    try:
        key = key_for(example["type"], said)
        message = decode(kind.topic, key, json.dumps(said).encode(), NOW)
    except SchemaViolation:
        return
    SCHEMAS[example["type"]].validate(said)
    assert decode(*encode(message), NOW) == message


@given(histories())
def test_what_is_encoded_comes_back(history: list[Fact]) -> None:
    """Absent and null of an edit stay apart."""
    for fact in history:
        told = fact
        if isinstance(fact, ReplyEdited | ReplyDeleted):  # these need a key
            told = replace(fact, parent_id=POSTS[0])
        assert decode(*encode(told), NOW) == told
