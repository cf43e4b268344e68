"""Data sets as messages: PHEME's follows and posts, and the Ubuntu IRC threads.

What the sources do not contain is filled in the same way each time, so that runs compare:

* A post's id is made from its time and its number in the file, which fits the id's low bits.
* No source has follow times: every follow is dated before the first post of either set.
* The files have no texts: each post gets words of the length that its text had.
* A reply whose parent is not in the file answers an unknown post of its own, a millisecond older
  than itself. It names its root, so it is shown there under a `missing` placeholder, like any
  reply whose parent has not arrived.
"""

import csv
import gzip
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from schemas.events import MAX_TEXT, FollowCreated, PostCreated, ReplyCreated
from schemas.ids import DEFAULT_EPOCH, SEQUENCE_BITS, post_id

DatasetPost: TypeAlias = PostCreated | ReplyCreated

FOLLOWS_HEADER: Final = "follower_id,followee_id"
POSTS_HEADER: Final = "post_id,user_id,ts,kind,parent_id,root_id,text_len"
"""Beginning of the headers of both sets of posts."""
FOLLOWED_AT: Final = 1_072_915_200_000_000
"""2004-01-01T00:00:00Z in microseconds: before the first post of either set."""
UNKNOWN_PARENT: Final = 1 << (SEQUENCE_BITS - 1)
"""The bit that distinguishes ids of unknown parents from ids of posts in the file."""
WORDS: Final = (
    "the baker saw the ferry come in and told the miller who asked the smith whether "
    "anyone had heard from the lighthouse since the storm and the smith said ask the "
    "postman he was there on monday with a letter for the widow by the old bridge "
)
STARTS: Final = (0, *(place + 1 for place, each in enumerate(WORDS[:-1]) if each == " "))


class DatasetRow(NamedTuple):
    """One post of a file."""

    number: int
    author: int
    seconds: int
    kind: str
    parent: str
    root: str
    length: int
    lang: str | None


def pheme_messages(
    follows: Path, posts: Path, epoch: int = DEFAULT_EPOCH
) -> Iterator[FollowCreated | DatasetPost]:
    """Yield all of PHEME: first the follows, then the posts in the order they were written."""
    with gzip.open(follows, "rt") as lines:
        yield from follow_messages(lines)
    with gzip.open(posts, "rt") as lines:
        yield from post_messages(lines, epoch)


def irc_messages(posts: Path, epoch: int = DEFAULT_EPOCH) -> Iterator[DatasetPost]:
    """Yield the Ubuntu IRC threads in the order they were written; there are no follows."""
    with gzip.open(posts, "rt") as lines:
        yield from post_messages(lines, epoch)


def follow_messages(lines: Iterable[str]) -> Iterator[FollowCreated]:
    """Yield the follows of a CSV file with a header. Raises ValueError for a malformed row."""
    for follower, followee in _rows(lines):
        yield FollowCreated(
            version=FOLLOWED_AT, follower_id=int(follower), followee_id=int(followee)
        )


def post_messages(lines: Iterable[str], epoch: int = DEFAULT_EPOCH) -> Iterator[DatasetPost]:
    """Yield the posts of a CSV file with a header. Raises ValueError for a malformed row."""
    post_ids: dict[str, int] = {}
    rows = csv.reader(lines)
    columns = {name: place for place, name in enumerate(next(rows))}
    for cells in rows:
        row = _row(cells, columns)
        post_ids[str(row.number)] = post_id(row.seconds * 1_000, row.number, epoch)
        yield _message(row, post_ids, epoch)


def _rows(lines: Iterable[str]) -> Iterator[list[str]]:
    rows = csv.reader(lines)
    next(rows)
    return rows


def _row(cells: list[str], columns: Mapping[str, int]) -> DatasetRow:
    number, author, seconds, kind, parent, root, length = cells[:7]
    lang = cells[columns["lang"]] if "lang" in columns else None
    return DatasetRow(int(number), int(author), int(seconds), kind, parent, root, int(length), lang)


def _message(row: DatasetRow, post_ids: Mapping[str, int], epoch: int) -> DatasetPost:
    fields: dict[str, Any] = {
        "version": row.seconds * 1_000_000,
        "post_id": post_ids[str(row.number)],
        "author_id": row.author,
    }
    if row.kind == "repost":
        return PostCreated(**fields, repost_of=_parent(row, post_ids, epoch))
    fields |= {"text": _text(row), "lang": row.lang}
    if row.kind == "post":
        return PostCreated(**fields)
    if row.kind == "reply":
        parent = _parent(row, post_ids, epoch)
        return ReplyCreated(**fields, parent_id=parent, root_id=post_ids.get(row.root))
    raise ValueError(f"kind: {row.kind!r} is neither post, reply nor repost")


def _parent(row: DatasetRow, post_ids: Mapping[str, int], epoch: int) -> int:
    known = post_ids.get(row.parent)
    return known or post_id(row.seconds * 1_000 - 1, UNKNOWN_PARENT | row.number, epoch)


def _text(row: DatasetRow) -> str:
    """Return words of the row's length; the first word depends on the post, so few are alike."""
    length = min(row.length, MAX_TEXT)
    start = STARTS[row.number % len(STARTS)]
    repeats = (start + length) // len(WORDS) + 1
    return (WORDS * repeats)[start : start + length]
