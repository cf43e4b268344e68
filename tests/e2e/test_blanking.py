"""Deleted words leave every table of the store within a minute."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from cassandra.cluster import Cluster

from schemas.codec import Message
from schemas.events import PostCreated, PostDeleted, PostEdited
from schemas.ids import post_id
from services.settings.settings import Settings
from services.storage.cluster import create_cluster
from tests.e2e.pipeline import Pipeline, Record

pytestmark = pytest.mark.e2e

ALICE = 1
TIME = 1_420_000_000_000
BLANK_SECONDS = 60.0
DRAIN_SECONDS = 120.0
WORDS = ("quincunx", "zeugma", "syzygy")
"""What alice wrote, what she made of it, and what came after her deletion."""
KEPT = "bread"


def said(number: int, version: int, **words: Any) -> dict[str, Any]:
    return {
        "version": TIME * 1_000 + version,
        "post_id": post_id(TIME, number),
        "author_id": ALICE,
    } | words


def written(number: int, text: str) -> PostCreated:
    link = f"https://example.org/{text}"
    words = {"text": f"{text} {link}", "lang": text, "tags": (text,), "links": (link,)}
    return PostCreated(**said(number, 0, **words))


def edited(number: int, version: int, text: str) -> PostEdited:
    return PostEdited(**said(number, version, text=text, lang=text, tags=(text,)))


def deleted(number: int) -> PostDeleted:
    return PostDeleted(**said(number, 2))


FIRST: list[Message] = [
    written(0, KEPT),
    written(1, WORDS[0]),
    edited(1, 1, WORDS[1]),
    edited(2, 1, WORDS[1]),
]
DELETIONS: list[Message] = [deleted(number) for number in (1, 2, 3)]
LATE: list[Message] = [
    written(1, WORDS[0]),
    written(2, WORDS[0]),
    written(3, WORDS[0]),
    *(edited(number, 3, WORDS[2]) for number in (1, 2, 3)),
]
"""What is replayed, or arrives at last, when the deletions are long handled."""


def test_deleted_words_are_nowhere(pipeline: Pipeline, record: Record) -> None:
    """Not in posts, terms or any other table, in whatever order they arrive; others' words stay."""
    pipeline.start_worker("a")
    pipeline.handle(FIRST, DRAIN_SECONDS)
    assert found(pipeline.settings) == {KEPT, *WORDS[:2]}
    pipeline.publish(DELETIONS)
    told = time.monotonic()
    pipeline.until(lambda: found(pipeline.settings) == {KEPT}, told + BLANK_SECONDS)
    seconds = time.monotonic() - told
    pipeline.handle(LATE, DRAIN_SECONDS)
    assert found(pipeline.settings) == {KEPT}
    record("deleted words", seconds_to_blank=round(seconds, 1))


def found(settings: Settings) -> set[str]:
    """Which of the words are in any cell or key of any table."""
    with create_cluster(settings) as ours:
        everything = "\n".join(_rows(ours, settings.cassandra_keyspace))
    return {word for word in (KEPT, *WORDS) if word in everything}


def _rows(ours: Cluster, keyspace: str) -> Iterator[str]:
    session = ours.connect(keyspace)
    for table in ours.metadata.keyspaces[keyspace].tables:
        yield from map(str, session.execute(f"SELECT * FROM {table}"))
