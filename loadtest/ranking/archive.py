"""An archive of posts that everybody received: who answered what, and so what they did not."""

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import numpy.typing as npt

from schemas.ids import IdArray
from services.ranking.features import HOUR_MS
from services.ranking.window import LINE, NOBODY, Flags

Rows = npt.NDArray[np.intp]
COLUMN_NAMES = ("post_id", "user_id", "ts", "parent_id")
FIRST_LOOK_MS = 7 * HOUR_MS
BETWEEN_LOOKS_MS = 12 * HOUR_MS
"""Everybody looks at 07:00 and 19:00 UTC."""
MIN_POSTS = 30
"""Posts of people whose looks count."""
MIN_CANDIDATES = 10


class Archive(NamedTuple):
    """Posts in order of time, a row each.

    `parent` is a row, or -1; `posts_by` and `answers_by` are the rows of each author.
    """

    at: IdArray
    author: IdArray
    parent: Rows
    parent_author: IdArray
    line: IdArray
    root: Rows
    posts_by: dict[int, Rows]
    answers_by: dict[int, Rows]


class Look(NamedTuple):
    """A moment at which somebody looks: candidates, and which of them they answer by the next."""

    at: int
    viewer: int
    candidates: Rows
    relevant: Flags


def read_archive(path: Path) -> Archive:
    """Read a data set of posts; raises click.BadParameter for what is none."""
    try:
        with gzip.open(path, "rt", newline="") as lines:
            posts = [
                [int(post[name] or 0) for name in COLUMN_NAMES] for post in csv.DictReader(lines)
            ]
    except (OSError, EOFError, KeyError, TypeError, ValueError) as error:
        expected = f"gzip CSV with whole numbers in {', '.join(COLUMN_NAMES)}"
        raise click.BadParameter(f"{path}: expected {expected}: {error!r}") from error
    return build_archive(posts)


def build_archive(posts: Iterable[Iterable[int]]) -> Archive:
    """Build an archive of posts in any order: id, author, Unix seconds, id of the parent or 0.

    A parent that is unknown or not older is none.
    """
    table = np.array([list(post) for post in posts], np.int64).reshape(-1, len(COLUMN_NAMES))
    ids, author, seconds, parents = table[np.lexsort((table[:, 0], table[:, 2]))].T
    row_of = {post: row for row, post in enumerate(ids.tolist())}
    parent = np.array([row_of.get(post, -1) for post in parents.tolist()], np.intp)
    rows = np.arange(len(ids))
    parent[parent >= rows] = -1
    root = rows.copy()
    for row in np.flatnonzero(parent >= 0):
        root[row] = root[parent[row]]

    above = [parent]
    for _ in range(LINE):
        above.append(_at(parent, above[-1], -1))
    parent_author, *line = (_at(author, each, NOBODY) for each in above)
    answers = np.flatnonzero(parent >= 0)
    return Archive(
        seconds * 1_000,
        author,
        parent,
        parent_author,
        np.stack(line, axis=1),
        root,
        rows_by(author, rows),
        rows_by(author, answers),
    )


def find_looks(archive: Archive, hours: int) -> list[Look]:
    """Return the looks of people who write, at enough candidates, of which they answer some.

    Candidates are others' posts of the last `hours` that they have not answered.
    """
    looks = []
    for (at, viewer), answered_next in sorted(_answers_by_look(archive).items()):
        low, high = np.searchsorted(archive.at, (at - hours * HOUR_MS, at))
        answers = archive.answers_by[viewer]
        answered = archive.parent[answers[: np.searchsorted(answers, high)]]
        candidates = np.arange(low, high)
        candidates = candidates[
            (archive.author[low:high] != viewer) & ~np.isin(candidates, answered)
        ]
        relevant = np.isin(candidates, archive.parent[answered_next])
        if len(candidates) >= MIN_CANDIDATES and relevant.any():
            looks.append(Look(at, viewer, candidates, relevant))
    return looks


def rows_by(keys: IdArray, rows: Rows) -> dict[int, Rows]:
    """Return the rows of each key, in their order."""
    by_key: dict[int, list[int]] = defaultdict(list)
    for key, row in zip(keys[rows].tolist(), rows.tolist(), strict=True):
        by_key[key].append(row)
    return {key: np.array(found, np.intp) for key, found in by_key.items()}


def _answers_by_look(archive: Archive) -> dict[tuple[int, int], list[int]]:
    """Return the answers that follow each look, by its moment and whose it is."""
    following: dict[tuple[int, int], list[int]] = defaultdict(list)
    for viewer, answers in archive.answers_by.items():
        if len(archive.posts_by[viewer]) >= MIN_POSTS:
            for row in answers.tolist():
                look = (int(archive.at[row]) - FIRST_LOOK_MS) // BETWEEN_LOOKS_MS
                following[look * BETWEEN_LOOKS_MS + FIRST_LOOK_MS, viewer].append(row)
    return following


def _at(values: IdArray, rows: Rows, absent: int) -> IdArray:
    return np.where(rows >= 0, values[rows], absent)
