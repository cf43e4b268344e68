"""Fold what is said to nobody in particular: broadcasts, and the same text or links again.

Decided by the window alone: what it holds, not who reads it or when it arrived. Nothing is dropped,
a folded post stands behind one of its author's; what is said to the viewer is never folded.
"""

import re
import unicodedata
from collections.abc import Collection, Sequence
from functools import lru_cache
from hashlib import blake2b

import numpy as np

from schemas.ids import IdArray
from services.ranking.score import best_first
from services.ranking.window import NOBODY, Flags, Floats, PostWindow

BROADCASTS = 5
"""Conversations that an author begins in the window, from which on they may be broadcasts."""
ANSWERING = 10
"""An author broadcasts who answers others less than once in so many posts."""
REPEATS = 3
"""Posts of one author with the same text or links, from which on they are one, said again: thanks
to two people are not automatic, a greeting of every newcomer is."""
NO_WORDS = 0
"""Digest of a text without words, and of no links: nothing is said again by it."""
MEMORIZED = 32_768
LONG = 500
"""Digests kept, of texts up to so many characters: 20 MB at most. A text is in many homes."""

_BESIDE_LETTERS = re.compile(r"https?://\S+|@\S*|[^\w@]+|[\d_]+")


def digest_text(text: str) -> int:
    """Return a digest of a text's letters: a greeting is the same whomever it names.

    Links, names behind @, numbers, signs and case make no difference.
    """
    return _digest_letters(text) if len(text) > LONG else _memorized_digest(text)


def _digest_letters(text: str) -> int:
    return _digest(_BESIDE_LETTERS.sub("", unicodedata.normalize("NFKC", text).casefold()))


def digest_links(links: Collection[str]) -> int:
    """Return a digest of a post's links, whatever their order."""
    return _digest("\n".join(sorted(set(links))))


def fold_damped(
    window: PostWindow, rows: IdArray, viewer: int, scores: Floats, wordings: IdArray
) -> IdArray:
    """Return for each of these rows of the window the number of the one that it is folded into.

    A row that is shown is its own. `wordings` has a column for each digest of a row.
    """
    author = window.author[rows]
    beginnings = window.begins[rows] & find_broadcasts(window)[rows]
    groups = [np.where(beginnings, author, NOBODY)]
    groups += [_repeated(author, column) for column in wordings.T]

    to_viewer = (window.parent_author[rows] == viewer) | (window.line[rows] == viewer).any(axis=1)
    joined = _join([np.where(to_viewer, NOBODY, group) for group in groups])
    in_order = best_first(scores)
    _, first, group_of = np.unique(joined[in_order], return_index=True, return_inverse=True)
    shown_by = np.empty(len(rows), np.int64)
    shown_by[in_order] = in_order[first[group_of]]
    return shown_by


def find_broadcasts(window: PostWindow) -> Flags:
    """Return whether the author of each row of the window mostly broadcasts."""
    _, person = np.unique(window.author, return_inverse=True)
    others = (window.parent_author != NOBODY) & (window.parent_author != window.author)
    posts, answers = np.bincount(person), np.bincount(person, weights=others)
    begun = np.bincount(person, weights=window.begins)
    return ((begun >= BROADCASTS) & (answers * ANSWERING < posts))[person]


def _repeated(author: IdArray, digests: IdArray) -> IdArray:
    """Return a number for each author and digest that is there often enough, else `NOBODY`."""
    pairs = np.stack([author, digests], axis=1)
    _, number, count = np.unique(pairs, axis=0, return_inverse=True, return_counts=True)
    again = (count[number] >= REPEATS) & (digests != NO_WORDS)
    return np.where(again, number, NOBODY)


def _join(groups: Sequence[IdArray]) -> IdArray:
    """Return one number for rows that share a group, or are joined by others that do."""
    joined = np.arange(len(groups[0]))
    while True:
        before = joined.copy()
        for group in groups:
            members = np.flatnonzero(group != NOBODY)
            _, number = np.unique(group[members], return_inverse=True)
            lowest = np.full(len(members), len(joined))
            np.minimum.at(lowest, number, joined[members])
            joined[members] = lowest[number]
        if (joined == before).all():
            return joined


def _digest(words: str) -> int:
    if not words:
        return NO_WORDS
    return int.from_bytes(blake2b(words.encode(), digest_size=8).digest()) >> 1


_memorized_digest = lru_cache(MEMORIZED)(_digest_letters)
