"""Every message type has a JSON Schema and realistic examples, and they agree with the codec."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import schemas
from schemas import topics
from schemas.codec import KINDS, SNAPSHOTS, decode, encode, encode_edge, key_for
from schemas.errors import SchemaViolation
from schemas.events import FollowCreated, FollowDeleted, FollowFact
from schemas.generate import FOLDER, render_schema, schema_of, schema_path

EXAMPLES = Path(schemas.__file__).parent / "examples"
TIMESTAMP = 1_760_001_000_000


def named(file: Path) -> str:
    return f"{file.parts[-3]}/{file.stem}"


@pytest.mark.parametrize("tag", list(KINDS))
def test_the_schema_in_the_folder_is_the_structs(tag: str) -> None:
    """`python -m schemas.generate` writes them anew; each is a valid JSON Schema itself."""
    schema = schema_of(tag)

    Draft202012Validator.check_schema(schema)

    assert schema_path(tag).read_text() == render_schema(schema)


def test_every_file_belongs_to_a_message() -> None:
    """No schema and no example is left over, and every message has examples of its version."""
    assert {file.name for file in FOLDER.iterdir()} == {schema_path(tag).name for tag in KINDS}
    assert {file.relative_to(EXAMPLES).parts[:2] for file in EXAMPLES.rglob("*.json")} == {
        (tag, "v1") for tag in KINDS
    }


@pytest.mark.parametrize("file", sorted(EXAMPLES.rglob("*.json")), ids=named)
def test_an_example_is_a_message(file: Path) -> None:
    """It validates, decodes, and comes out of encoding as the message it was."""
    said = json.loads(file.read_bytes())
    tag = said["type"]
    topic, key = KINDS[tag].topic, key_for(tag, said)

    Draft202012Validator(json.loads(schema_path(tag).read_text())).validate(said)
    message = decode(topic, key, file.read_bytes(), TIMESTAMP)
    encoded = encode(message)

    assert (encoded.topic, encoded.key) == (topic, key)
    assert decode(*encoded, TIMESTAMP) == message
    assert file.parts[-3] == tag


def test_topics_and_messages_name_each_other() -> None:
    """Each type travels on the topic that lists it, and on that topic's snapshot where it has one.

    Each topic with messages has dead letters.
    """
    declared = topics.load_topics()
    listed = {(tag, name) for name, topic in declared.items() for tag in topic.messages}
    own = {(tag, kind.topic) for tag, kind in KINDS.items()}
    copied = {
        (tag, name) for name, each in SNAPSHOTS.items() for tag, at in own if at == each.source
    }
    assert listed == own | copied
    for name, topic in declared.items():
        assert (topics.dead_letter_topic(name) in declared) == bool(topic.messages)


def test_facts_are_kept_for_ever_and_never_compacted() -> None:
    """State is a function of the log, and many facts share a key."""
    for name in ("posts", "replies", "follows", "relations"):
        config = topics.load_topics()[name].config
        assert config["cleanup.policy"] == "delete"
        assert config["retention.ms"] == "-1"


EDGES = [
    FollowCreated(version=2, follower_id=1, followee_id=2, replies="all", languages=("en",)),
    FollowDeleted(version=3, follower_id=1, followee_id=2),
]


@pytest.mark.parametrize("edge", EDGES)
def test_an_edge_travels_in_the_snapshot_under_a_key_of_its_own(edge: FollowFact) -> None:
    """As the fact it was in `follows`; under the key that it had there it is refused."""
    record = encode_edge(edge)
    assert (record.topic, record.key) == ("follow-edges", b"1:2")
    assert decode(*record, TIMESTAMP) == edge
    with pytest.raises(SchemaViolation, match="key_mismatch"):
        decode("follow-edges", b"1", record.value, TIMESTAMP)
    with pytest.raises(SchemaViolation, match="key_mismatch"):
        decode("follows", b"1:2", record.value, TIMESTAMP)


def test_a_snapshot_is_compacted() -> None:
    """It keeps each edge's newest fact for ever, the ends of edges too."""
    config = topics.load_topics()["follow-edges"].config
    assert config == {**topics.COMMON_CONFIG, "cleanup.policy": "compact"}
