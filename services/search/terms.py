"""Terms: the tags and words that find posts, and terms that find all posts or an author's.

The term of a tag begins with `#`, that of a part of all posts with `*`, that of an author with `@`,
that of a word with none of them.
"""

from typing import NamedTuple

from schemas.ids import SLOTS, UserId, slot
from schemas.normal_text import normal_text
from schemas.tags import normal_tag
from services.search.store import PostClaim
from services.words import cut_text

MAX_TERM = 64
"""Code points of a term. Longer words share one, since readers check each post by itself."""
PARTS = 16
"""Parts of all posts: each has 600,000 of ten million in three days, and writes spread over
them."""


def words(text: str) -> frozenset[str]:
    """Return what a text is found by: words, emoji, pairs of characters of scripts without spaces.

    They are in normal form, at most 10,000 in 10,000 characters.
    """
    return cut_text(normal_text(text)).found_by


def word_term(word: str) -> str:
    """Return the term of a word in normal form."""
    return word[:MAX_TERM]


def tag_term(tag: str) -> str:
    """Return the term of a tag."""
    return f"#{normal_tag(tag)[:MAX_TERM]}"


def author_term(author: UserId) -> str:
    """Return the term that finds an author's posts."""
    return f"@{author}"


def all_post_terms() -> list[str]:
    """Return the terms that together find every post."""
    return [_part(number) for number in range(PARTS)]


class PublicPost(NamedTuple):
    """A public post as it may be found; `version` is that of its being public."""

    claim: PostClaim
    version: int
    text: str
    tags: frozenset[str]


def tags_of(post: PublicPost) -> frozenset[str]:
    """Return the terms of a post's tags."""
    return frozenset(map(tag_term, post.tags))


def words_of(post: PublicPost) -> frozenset[str]:
    """Return the terms of a post's words, of its author and of its part of all posts."""
    post_id, author = post.claim
    found = map(word_term, words(post.text))
    return frozenset({_part(slot(post_id) * PARTS // SLOTS), author_term(author), *found})


def _part(number: int) -> str:
    return f"*{number:x}"
