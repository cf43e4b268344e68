"""Terms in memory."""

from collections.abc import Collection, Sequence
from heapq import nlargest, nsmallest

from schemas.ids import PostId
from services.search.store import PostClaim, PostTerms
from services.span import Span


class MemoryTerms:
    """A TermStore in this process."""

    def __init__(self) -> None:
        self._found: dict[str, set[PostClaim]] = {}
        self._forgotten: set[PostClaim] = set()

    async def add(self, posts: Sequence[PostTerms]) -> None:
        for claim, terms in posts:
            for term in terms if claim not in self._forgotten else ():
                self._found.setdefault(term, set()).add(claim)

    async def forget(self, claims: Sequence[PostClaim]) -> None:
        self._forgotten.update(claims)
        for found in self._found.values():
            found.difference_update(claims)

    async def page(self, terms: Collection[str], span: Span, limit: int) -> list[PostId]:
        posts = {claim.post_id for term in terms for claim in self._found.get(term, ())}
        inside = (each for each in posts if span.above < each < span.below)
        return (nlargest if span.newest_first else nsmallest)(limit, inside)
