"""Endpoints of tag timelines and search over public posts."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
from litestar import Response

from schemas.ids import MAX_ID, PostId, UserId, first_post_id
from schemas.normal_text import normal_text
from services.api import answers, examples
from services.api.auth.access import Access
from services.api.cursors import Cursors
from services.api.operation import AnyRequest, Endpoint, Operation
from services.api.pages import Pager
from services.api.problems import BadParameter
from services.api.queries import SearchQuery, TagQuery
from services.readers.search import MAX_WORDS, SearchCriteria, SearchPosts, search_criteria
from services.readers.tag import TagFilter, TagPosts
from services.words import cut_text

READ_TAG = Operation(
    id="readTag",
    path="/v1/tags/{tag}",
    summary="List public posts with a tag, newest first",
    query=TagQuery,
    access=Access.READER,
    response=answers.Listing,
    example=examples.TAGGED,
    response_headers=("Link",),
)
SEARCH = Operation(
    id="search",
    path="/v1/search",
    summary="Search public posts by words, author, tag, time and conversation, newest first",
    query=SearchQuery,
    access=Access.READER,
    response=answers.Listing,
    example=examples.FOUND,
    response_headers=("Link",),
)
_UNIX = datetime.fromtimestamp(0, UTC)


def endpoints(
    tagged: TagPosts, search: SearchPosts, cursors: Cursors, epoch: int
) -> list[Endpoint]:
    async def read_tag(
        request: AnyRequest, query: TagQuery, viewer: UserId | None
    ) -> Response[Any]:
        tags = TagFilter.of([query.tag, *_split(query.any)], _split(query.all), _split(query.none))
        pager = Pager(cursors, _listing_name("tags", viewer, *map(sorted, tags)))
        return await pager.respond(request, query, partial(tagged.page, tags, viewer))

    async def find(request: AnyRequest, query: SearchQuery, viewer: UserId | None) -> Response[Any]:
        criteria = _criteria(query, epoch)
        pager = Pager(
            cursors, _listing_name("search", viewer, sorted(criteria.words), *_others(criteria))
        )
        return await pager.respond(request, query, partial(search.page, criteria, viewer))

    return [Endpoint(READ_TAG, read_tag), Endpoint(SEARCH, find)]


def _criteria(query: SearchQuery, epoch: int) -> SearchCriteria:
    criteria = search_criteria(
        query.q or "",
        query.tag,
        author=None if query.author is None else UserId(int(query.author)),
        since=_first_id_from(query.since, epoch),
        until=_first_id_from(query.until, epoch),
        conversation=None if query.conversation is None else PostId(int(query.conversation)),
    )
    if criteria.is_empty:
        raise BadParameter("q", "no word and no other criterion")
    if criteria == SearchCriteria(parts=criteria.parts):
        raise BadParameter("q", "only signs, or one character of a script without spaces")
    if sum(map(len, cut_text(normal_text(query.q or "")))) > MAX_WORDS:
        raise BadParameter("q", f"more than {MAX_WORDS} words")
    return criteria


def _others(criteria: SearchCriteria) -> Iterator[object]:
    """Yield the criteria but words. Cursors of before there were parts stay valid."""
    yield from criteria[1:-1]
    yield from criteria.parts


def _first_id_from(time: datetime | None, epoch: int) -> PostId | None:
    """Return the first post id of a time."""
    if time is None:
        return None
    milliseconds = (time - _UNIX) // timedelta(milliseconds=-1) * -1  # rounded up
    return PostId(max(1, min(first_post_id(milliseconds, epoch), MAX_ID)))


def _split(tags: str | None) -> list[str]:
    return [] if tags is None else tags.split(",")


def _listing_name(listing: str, viewer: UserId | None, *query: object) -> str:
    """Return the name that binds cursors; JSON keeps different criteria apart."""
    return f"{listing}/{viewer or ''}/{msgspec.json.encode(query).decode()}"
