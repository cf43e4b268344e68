"""Terms: the tags and words that find posts, and terms that find all posts.

The term of a tag begins with `#`, that of a part of all posts with `*`, that of a word with
neither.
"""

import re

from schemas.events import Creation, Edit, PostFact
from schemas.ids import SLOTS, slot
from schemas.tags import normal_tag

MAX_TERM = 64
"""Code points of a term. Longer words share one, since readers check each post by itself."""
PARTS = 16
"""Parts of all posts: each has 600,000 of ten million in three days, and writes spread over
them."""
_WORD = re.compile(r"\w+")


def words(text: str) -> frozenset[str]:
    """Return the whole words of a text, casefolded: at most 5,000 in 10,000 characters."""
    return frozenset(_WORD.findall(text.casefold()))


def word_term(word: str) -> str:
    """Return the term of a casefolded word."""
    return word[:MAX_TERM]


def tag_term(tag: str) -> str:
    """Return the term of a tag."""
    return f"#{normal_tag(tag)[:MAX_TERM]}"


def all_post_terms() -> list[str]:
    """Return the terms that together find every post."""
    return [_part(number) for number in range(PARTS)]


def tags_of(fact: PostFact) -> frozenset[str]:
    """Return the terms of a message's tags.

    Visibility and reposts do not matter: an edit may widen the visibility without naming the tags,
    and a later creation may turn a repost into a post.
    """
    tags = fact.tags if isinstance(fact, Creation | Edit) else ()
    return frozenset(map(tag_term, tags or ()))


def words_of(fact: PostFact) -> frozenset[str]:
    """Return the terms of a message's words, and for a creation that of its part of all posts."""
    if not isinstance(fact, Creation | Edit):
        return frozenset()
    found = map(word_term, words(fact.text or ""))
    if not isinstance(fact, Creation):
        return frozenset(found)
    return frozenset({_part(slot(fact.post_id) * PARTS // SLOTS), *found})


def _part(number: int) -> str:
    return f"*{number:x}"
