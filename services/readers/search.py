"""Search over public posts: by words, author, tag, time and conversation, newest first."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from schemas.ids import MAX_ID, PostId, UserId
from schemas.normal_text import normal_text
from schemas.tags import normal_tag
from services.audiences.store import EVERYBODY, Listing
from services.posts.ancestry import root_of
from services.posts.post import Post
from services.readers.audiences import posts_of_listing
from services.readers.paging import Page, PageRequest, cut_page
from services.readers.reader import Reader, Skeleton
from services.search.store import TermStore
from services.search.terms import all_post_terms, author_term, tag_term, word_term, words
from services.span import Span
from services.visibility.predicate import Verdict, judge_listed
from services.visibility.view import View
from services.words import cut_text

MAX_WORDS = 16
"""Words in one search, or pairs of a run that find candidates; each is a request or two."""


class SearchCriteria(NamedTuple):
    """Criteria that a post must all meet; `since` is an inclusive post id, `until` exclusive.

    `words` find posts; `parts` are what their texts must contain as well.
    """

    words: frozenset[str] = frozenset()
    author: UserId | None = None
    tag: str | None = None  # in its normal form
    since: PostId | None = None
    until: PostId | None = None
    conversation: PostId | None = None
    parts: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether every post matches."""
        return self == SearchCriteria()

    def matches(self, post: Post, view: View) -> bool:
        return (
            self.author in (None, post.author_id)
            and (self.tag is None or self.tag in map(normal_tag, post.tags))
            and self.words <= words(post.text)
            and self._are_in(post.text)
            and self.conversation in (None, root_of(post, view.known))
        )

    def _are_in(self, text: str) -> bool:
        normal = normal_text(text) if self.parts else ""
        return all(part in normal for part in self.parts)

    def narrow(self, span: Span) -> Span:
        above = span.above if self.since is None else max(span.above, self.since - 1)
        below = span.below if self.until is None else min(span.below, self.until)
        return span._replace(above=above, below=below)


def search_criteria(
    text: str, tag: str | None = None, **by: PostId | UserId | None
) -> SearchCriteria:
    """Return the criteria of what users typed."""
    plain = None if tag is None else normal_tag(tag)
    normal = normal_text(text)
    signs = [each for each in normal.split() if not any(cut_text(each))]
    parts = tuple(sorted({*signs, *cut_text(normal).runs}))
    return SearchCriteria(words(text), tag=plain, parts=parts, **by)  # type: ignore[arg-type] # the rest by its name


class SearchPosts:
    """Finds posts."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._stores = reader.stores

    async def page(
        self, criteria: SearchCriteria, viewer: UserId | None, request: PageRequest
    ) -> Page:
        """Return a page of the posts that match. Raises StoreUnavailable.

        The rarest criterion finds candidates; each is then judged by its post.
        """
        span = criteria.narrow(request.span())

        def shows(post: Post, view: View) -> Verdict:
            if not criteria.matches(post, view):
                return Verdict(shown=False, rule=18, reason="not_wanted")
            return judge_listed(post, view)

        skeleton = await self._rarest_source(criteria, span, request.limit)
        found = await self._reader.walk(
            skeleton, span, request.limit, viewer=viewer, shows=shows, context="listed"
        )
        return cut_page(request, found)

    async def _rarest_source(self, criteria: SearchCriteria, span: Span, limit: int) -> Skeleton:
        """The source with the fewest posts in the span: its first page reaches furthest."""
        sources = list(self._sources(criteria))
        if not sources:
            return _from_terms(self._stores.words, all_post_terms())
        if len(sources) == 1:
            return sources[0]
        pages = await asyncio.gather(*(source(span, limit) for source in sources))
        reach = [_reach(each, limit, newest_first=span.newest_first) for each in pages]
        return sources[reach.index(max(reach))]

    def _sources(self, criteria: SearchCriteria) -> Iterator[Skeleton]:
        for word in sorted(criteria.words)[:MAX_WORDS]:
            yield _from_terms(self._stores.words, [word_term(word)])
        if criteria.tag is not None:
            yield _from_terms(self._stores.tags, [tag_term(criteria.tag)])
        if criteria.author is not None:
            yield _from_terms(self._stores.words, [author_term(criteria.author)])
        if criteria.conversation is not None:
            yield self._of_conversation(criteria.conversation)

    def _of_conversation(self, root: PostId) -> Skeleton:
        """Return a source of a conversation's root and of its public replies."""
        replies = posts_of_listing(self._reader, Listing("conversation", root), [EVERYBODY])

        async def skeleton(span: Span, limit: int) -> Sequence[PostId]:
            found = list(await replies(span, limit))
            if span.above < root < span.below:
                found = sorted({root, *found}, reverse=span.newest_first)
            return found[:limit]

        return skeleton


def _from_terms(store: TermStore, terms: Sequence[str]) -> Skeleton:
    async def skeleton(span: Span, limit: int) -> Sequence[PostId]:
        return await store.page(terms, span, limit)

    return skeleton


def _reach(page: Sequence[PostId], limit: int, *, newest_first: bool) -> int:
    """How far a page reaches; one that is not full reaches the end."""
    if len(page) < limit:
        return MAX_ID - len(page)
    return MAX_ID - page[-1] if newest_first else page[-1]
