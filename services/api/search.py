"""Public posts found by their tags, and by whatever else they say."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
from litestar import Response

from schemas.ids import MAX_ID, PostId, UserId, first_post_id
from services.api import answers, examples
from services.api.auth.access import Access
from services.api.cursors import Cursors
from services.api.operation import AnyRequest, Endpoint, Operation
from services.api.pages import Pager, respond
from services.api.problems import BadParameter
from services.api.queries import SearchQuery, TagQuery
from services.readers.search import MAX_WORDS, SearchCriteria, SearchPosts, search_criteria
from services.readers.tag import TagFilter, TagPosts

READ_TAG = Operation(
    id="readTag",
    path="/v1/tags/{tag}",
    summary="Public posts with a tag, newest first",
    asks=TagQuery,
    access=Access.READER,
    answers=answers.Listing,
    example=examples.TAGGED,
    headers=("Link",),
)
SEARCH = Operation(
    id="search",
    path="/v1/search",
    summary="Public posts by words, author, tag, time and conversation, newest first",
    asks=SearchQuery,
    access=Access.READER,
    answers=answers.Listing,
    example=examples.FOUND,
    headers=("Link",),
)
_UNIX = datetime.fromtimestamp(0, UTC)


def endpoints(
    tagged: TagPosts, search: SearchPosts, cursors: Cursors, epoch: int
) -> list[Endpoint]:
    async def read_tag(
        request: AnyRequest, asked: TagQuery, viewer: UserId | None
    ) -> Response[Any]:
        tags = TagFilter.of([asked.tag, *_each(asked.any)], _each(asked.all), _each(asked.none))
        pager = Pager(cursors, _name("tags", viewer, *map(sorted, tags)))
        page = await pager.page(asked, partial(tagged.page, tags, viewer))
        return respond(request, asked, page)

    async def find(request: AnyRequest, asked: SearchQuery, viewer: UserId | None) -> Response[Any]:
        what = _wanted(asked, epoch)
        pager = Pager(cursors, _name("search", viewer, sorted(what.words), *what[1:]))
        page = await pager.page(asked, partial(search.page, what, viewer))
        return respond(request, asked, page)

    return [Endpoint(READ_TAG, read_tag), Endpoint(SEARCH, find)]


def _wanted(asked: SearchQuery, epoch: int) -> SearchCriteria:
    what = search_criteria(
        asked.q or "",
        asked.tag,
        author=None if asked.author is None else UserId(int(asked.author)),
        since=_from(asked.since, epoch),
        until=_from(asked.until, epoch),
        conversation=None if asked.conversation is None else PostId(int(asked.conversation)),
    )
    if what.is_empty:
        raise BadParameter("q", "no word, and nothing else is asked for")
    if len(what.words) > MAX_WORDS:
        raise BadParameter("q", f"more than {MAX_WORDS} words")
    return what


def _from(time: datetime | None, epoch: int) -> PostId | None:
    """The first post id of a time."""
    if time is None:
        return None
    milliseconds = (time - _UNIX) // timedelta(milliseconds=-1) * -1  # the next whole one
    return PostId(max(1, min(first_post_id(milliseconds, epoch), MAX_ID)))


def _each(tags: str | None) -> list[str]:
    return [] if tags is None else tags.split(",")


def _name(listing: str, viewer: UserId | None, *asked: object) -> str:
    """What binds a cursor: texts of any kind are told apart."""
    return f"{listing}/{viewer or ''}/{msgspec.json.encode(asked).decode()}"
