"""Handler of `posts` and `replies` for the search: by which words each post may be found."""

from collections.abc import Sequence

from schemas.events import PostFact
from services.handlers.handler import Accepted
from services.search.store import PostTerms, TermStore, claim_of
from services.search.terms import words_of


class RecordWords:
    """Adds words and forgets none: whoever records a deletion does, so that it waits for no search.

    Whichever comes first, a deleted post is found by no word.
    """

    def __init__(self, words: TermStore) -> None:
        self._words = words

    async def __call__(self, batch: Sequence[Accepted[PostFact]]) -> None:
        facts = [each.message for each in batch]
        await self._words.add([PostTerms(claim_of(fact), words_of(fact)) for fact in facts])
