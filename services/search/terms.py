"""Terms: the tags and words by which posts are found, and what finds them all.

A tag's begins with `#`, that of a part of all posts with `*`, a word's with neither.
"""

import re

from schemas.events import Creation, Edit, PostFact
from schemas.ids import SLOTS, slot
from schemas.tags import normal_tag

LONGEST = 64
"""Code points of a term: whoever reads judges by the post, so what is longer only shares a term."""
PARTS = 16
"""Of all posts: 600,000 in three days of ten million, and writes that spread."""
_WORD = re.compile(r"\w+")


def words(text: str) -> frozenset[str]:
    """The words of a text, whole, case ignored: 5,000 at most, of 10,000 characters."""
    return frozenset(_WORD.findall(text.casefold()))


def word_term(word: str) -> str:
    return word[:LONGEST]


def tag_term(tag: str) -> str:
    return f"#{normal_tag(tag)[:LONGEST]}"


def all_post_terms() -> list[str]:
    """The terms that together find every post."""
    return [_part(number) for number in range(PARTS)]


def tags_of(fact: PostFact) -> frozenset[str]:
    """By which tags a message says that a post may be found.

    Whatever the visibility, for an edit may widen it without another word; and of reposts too, for
    a later creation may be one where the first was none.
    """
    tags = fact.tags if isinstance(fact, Creation | Edit) else ()
    return frozenset(map(tag_term, tags or ()))


def words_of(fact: PostFact) -> frozenset[str]:
    """By which words, likewise; and a creation, by the part of all posts that it belongs to."""
    if not isinstance(fact, Creation | Edit):
        return frozenset()
    found = map(word_term, words(fact.text or ""))
    if not isinstance(fact, Creation):
        return frozenset(found)
    return frozenset({_part(slot(fact.post_id) * PARTS // SLOTS), *found})


def _part(number: int) -> str:
    return f"*{number:x}"
