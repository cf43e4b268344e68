"""Tag timelines: public posts by their tags, newest first. No retention."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self

from schemas.ids import PostId, UserId
from schemas.tags import normal_tag
from services.posts.post import Post
from services.readers.paging import Page, PageRequest, cut_page
from services.readers.reader import Reader
from services.search.terms import tag_term
from services.span import Span
from services.visibility.predicate import Verdict, judge_listed
from services.visibility.view import View


class TagFilter(NamedTuple):
    """Posts with one tag of `any_of`, all of `all_of`, none of `none_of`; in normal form."""

    any_of: frozenset[str]
    all_of: frozenset[str] = frozenset()
    none_of: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls, any_of: Iterable[str], all_of: Iterable[str] = (), none_of: Iterable[str] = ()
    ) -> Self:
        """Return the filter for tags as users write them."""
        return cls(*(frozenset(map(normal_tag, each)) for each in (any_of, all_of, none_of)))

    def matches(self, post: Post) -> bool:
        tags = set(map(normal_tag, post.tags))
        return bool(tags & self.any_of) and tags >= self.all_of and not tags & self.none_of


class TagPosts:
    """Reads tag timelines."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def page(self, tags: TagFilter, viewer: UserId | None, request: PageRequest) -> Page:
        """Return a page of the posts with these tags. Raises StoreUnavailable."""
        terms = list(map(tag_term, tags.any_of))

        async def skeleton(span: Span, limit: int) -> Sequence[PostId]:
            return await self._reader.stores.tags.page(terms, span, limit)

        def shows(post: Post, view: View) -> Verdict:
            if not tags.matches(post):
                return Verdict(shown=False, rule=17, reason="other_tags")
            verdict = judge_listed(post, view)
            return verdict._replace(kind="tag") if verdict.shown else verdict

        found = await self._reader.walk(
            skeleton, request.span(), request.limit, viewer=viewer, shows=shows, context="listed"
        )
        return cut_page(request, found)
