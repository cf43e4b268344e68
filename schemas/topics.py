"""The topics that `topics/*.yaml` declares."""

from collections.abc import Mapping
from functools import cache
from importlib import resources

import msgspec
from msgspec.structs import replace


class Topic(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A topic: its producers, consumers, configuration and message types."""

    name: str
    description: str
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    key: str
    partitions: int
    config: Mapping[str, str]
    messages: tuple[str, ...] = ()
    dead_letters: int = 0  # partitions of its dead-letter topic; 0 for none


COMMON_CONFIG = {
    "retention.bytes": "-1",  # a limit by size would delete facts that the time still keeps
    "message.timestamp.type": "CreateTime",  # "too far ahead" is judged by the producer's own time
    "unclean.leader.election.enable": "false",  # it would drop acknowledged messages
}
"""Settings that every topic is declared with. Beside them `min.insync.replicas` is a majority of
the replicas that the topic has: 2 of 3."""
DEAD_LETTER_CONFIG = {
    "cleanup.policy": "delete",
    "retention.ms": "2592000000",  # 30 days: time to notice, fix and redrive
    "max.message.bytes": "33554432",  # invalid messages may be large
}


def dead_letter_topic(topic: str) -> str:
    """Return the name of a topic's dead-letter topic."""
    return f"{topic}-dlq"


@cache
def load_topics() -> Mapping[str, Topic]:
    """Return every topic by name, dead-letter topics included."""
    declared = [
        msgspec.yaml.decode(file.read_bytes(), type=Topic)
        for file in sorted(resources.files(__package__).joinpath("topics").iterdir(), key=str)
    ]
    letters = [_letters_of(topic) for topic in declared if topic.dead_letters]
    return {
        topic.name: replace(topic, config={**COMMON_CONFIG, **topic.config})
        for topic in (*declared, *letters)
    }


def _letters_of(topic: Topic) -> Topic:
    return Topic(
        name=dead_letter_topic(topic.name),
        description=f"Messages of {topic.name} that can never be handled, and why.",
        producers=topic.consumers,
        consumers=("operators",),
        key=topic.key,
        partitions=topic.dead_letters,
        config=DEAD_LETTER_CONFIG,
    )
