"""Handler of `posts` and `replies` in the search role: the words that find each public post."""

import asyncio
from collections.abc import Sequence

from schemas.events import Creation, Edit, PostFact
from services.handlers.claim_index import update_indexes
from services.handlers.handler import Accepted
from services.handlers.public_index import PublicIndex
from services.posts.post import post_mutation
from services.posts.store import PostStore
from services.search.store import TermStore, claim_of
from services.search.terms import words_of


class RecordWords:
    """Indexes words; `RecordPosts` forgets those of deleted posts.

    Deletions therefore need no search role. In either order, no word finds a deleted post.
    The search role reads the topics in its own time, so it records messages as well: what it
    decides by must hold all that it has read.
    """

    def __init__(self, posts: PostStore, words: TermStore) -> None:
        self._posts = posts
        self._words = words
        self._index = PublicIndex(words, words_of)

    async def __call__(self, batch: Sequence[Accepted[PostFact]]) -> None:
        facts = [each.message for each in batch if isinstance(each.message, Creation | Edit)]
        await self._posts.record([post_mutation(fact) for fact in facts])
        await update_indexes(self._posts, facts, self._index)

    async def erase(self, batch: Sequence[Accepted[PostFact]]) -> None:
        """Blank the posts and forget their words. `RecordPosts` keeps what threads need."""
        claims = {claim_of(each.message) for each in batch}
        await asyncio.gather(self._posts.blank(claims), self._words.forget(list(claims)))
