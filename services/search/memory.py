"""Terms in memory."""

from collections.abc import Collection, Sequence
from heapq import nlargest, nsmallest

from schemas.ids import PostId
from services.search.store import ClaimVersion, PostClaim, PostTerms
from services.span import Span


class MemoryTerms:
    """A TermStore in this process."""

    def __init__(self) -> None:
        self._found: dict[str, dict[PostClaim, int]] = {}
        self._forgotten: set[PostClaim] = set()

    async def add(self, posts: Sequence[PostTerms]) -> None:
        for claim, terms, version in posts:
            for term in terms if claim not in self._forgotten else ():
                found = self._found.setdefault(term, {})
                found[claim] = max(version, found.get(claim, version))

    async def withdraw(self, claims: Sequence[ClaimVersion]) -> None:
        for claim, version in claims:
            for found in self._found.values():
                if found.get(claim, version + 1) <= version:
                    del found[claim]

    async def forget(self, claims: Sequence[PostClaim]) -> None:
        self._forgotten.update(claims)
        for found in self._found.values():
            for claim in claims:
                found.pop(claim, None)

    async def page(self, terms: Collection[str], span: Span, limit: int) -> list[PostId]:
        posts = {claim.post_id for term in terms for claim in self._found.get(term, ())}
        inside = (each for each in posts if span.above < each < span.below)
        return (nlargest if span.newest_first else nsmallest)(limit, inside)
