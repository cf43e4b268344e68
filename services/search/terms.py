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
"""Of all posts: 2 million in three days of 10 million a day each, and writes that spread."""
_WORD = re.compile(r"\w+")


def words(text: str) -> frozenset[str]:
    """The words of a text, whole, case ignored."""
    return frozenset(_WORD.findall(text.casefold()))


def word_term(word: str) -> str:
    return word[:LONGEST]


def tag_term(tag: str) -> str:
    return f"#{normal_tag(tag)[:LONGEST]}"


def everything() -> list[str]:
    """The terms that together find every post."""
    return [_part(number) for number in range(PARTS)]


def terms_of(fact: PostFact) -> frozenset[str]:
    """What a message says a post may be found by.

    Whatever the visibility, for an edit may widen it without another word; and of reposts too, for
    a later creation may be one where the first was none.
    """
    if not isinstance(fact, Creation | Edit):
        return frozenset()
    tags = map(tag_term, fact.tags or ())
    part = _part(slot(fact.post_id) * PARTS // SLOTS)
    return frozenset({part, *map(word_term, words(fact.text or "")), *tags})


def _part(number: int) -> str:
    return f"*{number:x}"
