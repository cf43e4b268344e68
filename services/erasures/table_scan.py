"""Looks through every row of every table in Cassandra for the id of an account.

For proof, not for service: it reads everything there is, at a bounded rate.
"""

import struct
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any, Final, NamedTuple

from cassandra.query import SimpleStatement

from schemas.ids import UserId
from services.settings.settings import Settings
from services.storage.cluster import create_cluster
from services.storage.generation_tables import first_generation_table

ROWS_AT_ONCE: Final = 1_000
"""Rows in one answer of the store: 1 MB of the largest."""
POINTERS: Final[Mapping[str, str]] = {
    "accounts.user_id": "the fact of the erasure",
    "posts.author_id": "keeps threads together, without words",
    "posts.mentions": "what others wrote",
    "posts.created_mentions": "what others wrote",
    "author_timeline.author_id": "by which the posts are found again",
    "audience_entries.author_id": "ids of posts, without words",
    "audience_entries.listing_id": "ids of posts, without words",
    "audience_entries.audience": "what others wrote",
    "claims.author_id": "keeps threads together",
    "author_replies.author_id": "keeps threads together",
    "children.other_than": "keeps threads together",
    "reposts.author_id": "keeps reposts of reposts together",
    "author_reposts.author_id": "keeps reposts of reposts together",
    "home_timeline.user_id": "ids of posts, until they expire",
    "home_reposts.user_id": "ids of posts, until they expire",
    "mentions.user_id": "ids of posts, until they expire",
    "participants.user_id": "keeps threads together",
    "thread_posts.author_id": "keeps threads together",
    "inboxes.user_id": "ids of posts, without words",
    "answers.author_id": "ids of posts, until they expire",
    "pulled_authors.author_id": "an id, until it expires",
    "post_terms.author_id": "that a post is forgotten",
    "forgotten_words.author_id": "that a post is forgotten",
    "lists.owner_id": "nobody else gets a list of theirs",
    "lists.member_id": "a list of somebody else",
    "relations.other_id": "somebody else's mute or list",
}
"""Columns in which the id of an erased account may stand, and why."""


USER_COLUMNS: Final = frozenset(
    {
        "user_id",
        "author_id",
        "owner_id",
        "other_id",
        "member_id",
        "followee_id",
        "follower_id",
        "blocker_id",
        "listing_id",
        "audience",
    }
)
"""Columns with the id of an account; others may hold the same number for something else. A test
compares them with what stands in any column."""


class Found(NamedTuple):
    """Where a table holds an id: rows by column, and how many rows it has."""

    table: str
    rows: int
    holding: Mapping[str, int]

    @property
    def remains(self) -> Mapping[str, int]:
        """The columns in which nothing may stand of an erased account."""
        return {name: count for name, count in self.holding.items() if name not in POINTERS}


def scan_tables(
    settings: Settings,
    user: UserId,
    rate: float | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Found]:
    """Yield what each table holds, one after the other; `rate` is in rows per second, at most.

    Raises the driver's errors. Blocks: run it in a thread.
    """
    names_user = _finder(user)
    cluster = create_cluster(settings)
    with ExitStack() as stack:
        stack.callback(cluster.shutdown)
        session = cluster.connect(settings.cassandra_keyspace)
        for table in sorted(cluster.metadata.keyspaces[settings.cassandra_keyspace].tables):
            rows, holding = 0, Counter[str]()
            name = first_generation_table(table)
            for row in _rows(session, table):
                rows += 1
                holding.update(f"{name}.{c}" for c, v in row.items() if names_user(c, v))
                if rate is not None and rows % ROWS_AT_ONCE == 0:
                    sleep(ROWS_AT_ONCE / rate)
            yield Found(table, rows, holding)


def _rows(session: Any, table: str) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a table; the driver fetches a page when the last one is used up."""
    query = SimpleStatement(f"SELECT * FROM {table}", fetch_size=ROWS_AT_ONCE)  # noqa: S608 names from the schema
    found = session.execute(query)
    names = found.column_names
    for row in found:
        yield dict(zip(names, row, strict=True))


def _finder(user: UserId) -> Callable[[str, object], bool]:
    """Return what tells whether the value of a column names the user."""
    packed, quoted = struct.pack(">q", user), f'"{user}"'.encode()

    def names_user(column: str, value: object) -> bool:
        if column == "other_than":  # the complement of an id
            return value == ~user
        if not isinstance(value, bytes):
            return column in USER_COLUMNS and value == user
        if column.endswith("mentions"):
            return quoted in value
        whole = len(value) % len(packed) == 0  # arrays of ids
        return whole and packed in (value[at : at + 8] for at in range(0, len(value), 8))

    return names_user
