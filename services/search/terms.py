"""Terms: the tags and words by which posts are found. A tag's begins with `#`, a word's never."""

import re

from schemas.events import Creation, Edit, PostFact
from schemas.tags import normal_tag
from services.posts.post import Post

LONGEST = 64
"""Code points of a term: whoever reads judges by the post, so what is longer only shares a term."""
_WORD = re.compile(r"\w+")


def words(text: str) -> frozenset[str]:
    """The words of a text, whole, case ignored."""
    return frozenset(_WORD.findall(text.casefold()))


def word_term(word: str) -> str:
    return word[:LONGEST]


def tag_term(tag: str) -> str:
    return f"#{normal_tag(tag)[:LONGEST]}"


def terms_of(fact: PostFact) -> frozenset[str]:
    """What a message says a post may be found by.

    Whatever the visibility, for an edit may widen it without another word; and of reposts too, for
    a later creation may be one where the first was none.
    """
    if not isinstance(fact, Creation | Edit):
        return frozenset()
    tags = map(tag_term, fact.tags or ())
    return frozenset({*map(word_term, words(fact.text or "")), *tags})


def has_tag(post: Post, tags: frozenset[str]) -> bool:
    """Whether a post has one of these tags, given in their normal form."""
    return any(normal_tag(tag) in tags for tag in post.tags)
