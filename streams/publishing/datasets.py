"""Data sets of the past as messages: PHEME's follows and posts, and the Ubuntu IRC threads.

What the sources do not say is filled in the same way each time, so that runs compare:

* A post's id is made from its time and its number in the file, which fits the id's low bits.
* No source has follow times: every follow happened before the first post of either set.
* Texts are not in the files: each post gets words of the length that its text had.
* A reply whose parent the file does not name, or does not contain, answers an unknown post of
  its own, a millisecond older than itself. It claims its root, so a reader finds it there
  under a `missing` placeholder, as for any reply whose parent has not arrived.
"""

import csv
import gzip
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from schemas.events import MAX_TEXT, FollowCreated, PostCreated, ReplyCreated
from schemas.ids import DEFAULT_EPOCH, SEQUENCE_BITS, post_id

DatasetPost: TypeAlias = PostCreated | ReplyCreated

FOLLOWS_HEADER: Final = "follower_id,followee_id"
POSTS_HEADER: Final = "post_id,user_id,ts,kind,parent_id,root_id,text_len"
"""What the headers of both sets of posts begin with."""
FOLLOWED_AT: Final = 1_072_915_200_000_000
"""2004-01-01T00:00:00Z in microseconds: before the first post of either set."""
UNKNOWN: Final = 1 << (SEQUENCE_BITS - 1)
"""The bit that tells the ids of unknown parents from those of the posts in the file."""
WORDS: Final = (
    "the baker saw the ferry come in and told the miller who asked the smith whether "
    "anyone had heard from the lighthouse since the storm and the smith said ask the "
    "postman he was there on monday with a letter for the widow by the old bridge "
)
STARTS: Final = (0, *(place + 1 for place, each in enumerate(WORDS[:-1]) if each == " "))


class DatasetRow(NamedTuple):
    """One post of a file, as it stands there."""

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
    """Everything in PHEME: the follows first, then the posts in the order they were written."""
    with gzip.open(follows, "rt") as lines:
        yield from follow_messages(lines)
    with gzip.open(posts, "rt") as lines:
        yield from post_messages(lines, epoch)


def irc_messages(posts: Path, epoch: int = DEFAULT_EPOCH) -> Iterator[DatasetPost]:
    """The Ubuntu IRC threads, in the order they were written. Nobody follows anybody there."""
    with gzip.open(posts, "rt") as lines:
        yield from post_messages(lines, epoch)


def follow_messages(lines: Iterable[str]) -> Iterator[FollowCreated]:
    """The edges of a CSV file, header included. Raises ValueError where a row is not one."""
    for follower, followee in _rows(lines):
        yield FollowCreated(
            version=FOLLOWED_AT, follower_id=int(follower), followee_id=int(followee)
        )


def post_messages(lines: Iterable[str], epoch: int = DEFAULT_EPOCH) -> Iterator[DatasetPost]:
    """The posts of a CSV file, header included. Raises ValueError where a row is not one."""
    minted: dict[str, int] = {}
    rows = csv.reader(lines)
    columns = {name: place for place, name in enumerate(next(rows))}
    for cells in rows:
        row = _row(cells, columns)
        minted[str(row.number)] = post_id(row.seconds * 1_000, row.number, epoch)
        yield _message(row, minted, epoch)


def _rows(lines: Iterable[str]) -> Iterator[list[str]]:
    rows = csv.reader(lines)
    next(rows)
    return rows


def _row(cells: list[str], columns: Mapping[str, int]) -> DatasetRow:
    number, author, seconds, kind, parent, root, length = cells[:7]
    lang = cells[columns["lang"]] if "lang" in columns else None
    return DatasetRow(int(number), int(author), int(seconds), kind, parent, root, int(length), lang)


def _message(row: DatasetRow, minted: Mapping[str, int], epoch: int) -> DatasetPost:
    own = minted[str(row.number)]
    version = row.seconds * 1_000_000
    match row.kind:
        case "post":
            return PostCreated(
                version=version,
                post_id=own,
                author_id=row.author,
                text=_text(row),
                lang=row.lang,
            )
        case "repost":
            return PostCreated(
                version=version,
                post_id=own,
                author_id=row.author,
                repost_of=_parent(row, minted, epoch),
            )
        case "reply":
            return ReplyCreated(
                version=version,
                post_id=own,
                author_id=row.author,
                text=_text(row),
                lang=row.lang,
                parent_id=_parent(row, minted, epoch),
                root_id=minted.get(row.root),
            )
    raise ValueError(f"kind: {row.kind!r} is neither post, reply nor repost")


def _parent(row: DatasetRow, minted: Mapping[str, int], epoch: int) -> int:
    known = minted.get(row.parent)
    return known or post_id(row.seconds * 1_000 - 1, UNKNOWN | row.number, epoch)


def _text(row: DatasetRow) -> str:
    """Words of the row's length, beginning with another word for each post: few are alike."""
    length = min(row.length, MAX_TEXT)
    start = STARTS[row.number % len(STARTS)]
    repeats = (start + length) // len(WORDS) + 1
    return (WORDS * repeats)[start : start + length]
