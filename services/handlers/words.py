"""Handler of `posts` and `replies` in the search role: the words that find each post."""

from collections.abc import Sequence

from schemas.events import PostFact
from services.handlers.handler import Accepted
from services.search.store import PostTerms, TermStore, claim_of
from services.search.terms import words_of


class RecordWords:
    """Adds words; `RecordPosts` forgets those of deleted posts.

    Deletions therefore need no search role. In either order, no word finds a deleted post.
    """

    def __init__(self, words: TermStore) -> None:
        self._words = words

    async def __call__(self, batch: Sequence[Accepted[PostFact]]) -> None:
        facts = [each.message for each in batch]
        await self._words.add([PostTerms(claim_of(fact), words_of(fact)) for fact in facts])
