"""From a page request to a page and back: places are post ids inside, cursors outside."""

from collections.abc import Awaitable, Callable, Container, Mapping
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import quote, urlencode

import msgspec
from litestar import Response
from msgspec.structs import replace

from schemas.ids import PostId
from services.api import page_position as walk
from services.api.answers import Gap, Listing, item
from services.api.cursors import Cursors, InvalidCursor
from services.api.operation import AnyRequest
from services.api.page_position import PagePosition
from services.api.problems import BadParameter
from services.api.queries import PageQuery
from services.readers.item import Item
from services.readers.paging import Page, PageRequest

BUILDING_RETRY = "2"
"""Seconds after which a timeline that is being built is worth another look."""
_PER_REQUEST = frozenset({"before", "after", "newer_than", "wait_for"})
"""Parameters that do not travel from page to page; the others do."""

ReadPage: TypeAlias = Callable[[PageRequest], Awaitable[Page]]


class PagePositions(NamedTuple):
    """The cursors of a request, opened."""

    before: PagePosition | None
    after: PagePosition | None
    newer_than: PagePosition | None


class Pager(NamedTuple):
    """Pages of one listing for one viewer; `listing` names both, and binds their cursors."""

    cursors: Cursors
    listing: str

    async def page(self, query: PageQuery, read: ReadPage, *, hydrate: bool = True) -> Listing:
        """The page that is asked for. Raises BadParameter for cursors that do not fit."""
        marks = self._open(query)
        return self.to_listing(*await _read(read, query.limit, marks), hydrate=hydrate)

    def to_listing(self, page: Page, newest: PagePosition | None, *, hydrate: bool) -> Listing:
        """A page in the API's words; `newest` is where newer items follow."""
        return Listing(
            items=[item(each) if hydrate else str(each.post_id) for each in page.items],
            next=self.cursor_at(page.older),
            prev=None if newest is None else self.cursors.seal(self.listing, newest),
            gap=self._gap(page),
            state="building" if page.building else "ready",
            generation=page.generation,
        )

    def _open(self, query: PageQuery) -> PagePositions:
        if query.after is not None:
            for name in ("before", "newer_than"):
                if getattr(query, name) is not None:
                    raise BadParameter("after", f"cannot be combined with `{name}`")
        return PagePositions(
            *(self.open_cursor(name, getattr(query, name)) for name in PagePositions._fields)
        )

    def open_cursor(self, name: str, token: str | None) -> PagePosition | None:
        """The place that the cursor of a parameter marks. Raises BadParameter."""
        try:
            return None if token is None else self.cursors.open(self.listing, token)
        except InvalidCursor as error:
            raise BadParameter(name, str(error)) from None

    def cursor_at(self, position: int | None) -> str | None:
        """The cursor of a place, if there is one."""
        if position is None:
            return None
        return self.cursors.seal(self.listing, walk.bare_position(PostId(position)))

    def _gap(self, page: Page) -> Gap | None:
        if page.gap is None:
            return None
        cursor = self.cursors.seal(self.listing, walk.bare_position(page.gap.newest))
        return Gap(str(page.gap.newest), str(page.gap.oldest), cursor)


async def _read(
    read: ReadPage, limit: int, marks: PagePositions
) -> tuple[Page, PagePosition | None]:
    if marks.after is not None:
        return await _read_newer(read, limit, marks.after)
    return await _read_older(read, limit, marks)


async def _read_older(
    read: ReadPage, limit: int, marks: PagePositions
) -> tuple[Page, PagePosition | None]:
    """A page from the newest or from `before`, and the place from which newer ones follow."""
    request = PageRequest(
        limit,
        before=None if marks.before is None else marks.before.position,
        newer_than=None if marks.newer_than is None else marks.newer_than.position,
    )
    page = await read(request)
    if not page.items:
        return page, marks.newer_than
    start = PagePosition(page.items[0].post_id, page.items[-1].post_id)
    return page, walk.with_seen(start, _ids(page.items))


async def _read_newer(read: ReadPage, limit: int, came: PagePosition) -> tuple[Page, PagePosition]:
    """The page next above a place, with what became readable just below it since."""
    known = frozenset(came.seen)
    page = await read(PageRequest(limit + len(known), after=came.floor))
    items = [each for each in page.items if each.post_id not in known][-limit:]
    reached = items[0].post_id if items else page.newer or came.position
    place = came._replace(position=max(came.position, reached))
    if not items and reached > max((came.floor, *_ids(page.items))):
        place = place._replace(floor=reached)  # more hidden entries than one page looks at
    older = items[-1].post_id if items else None
    cut = replace(page, items=items, older=older, newer=None, gap=None)
    return cut, walk.with_seen(place, _ids(items))


def _ids(items: list[Item]) -> list[PostId]:
    return [each.post_id for each in items]


def respond(request: AnyRequest, query: PageQuery, listing: Listing) -> Response[Any]:
    """A page as a response, with its neighbours in a `Link` header."""
    path = quote(request.scope["path"])
    headers = links(path, _kept(query, request.path_params), listing)
    if listing.state == "building":
        headers["Retry-After"] = BUILDING_RETRY
    return Response(listing, headers=headers)


def _kept(query: PageQuery, in_path: Container[str]) -> dict[str, str]:
    """The parameters of the neighbouring pages: those given, in their JSON spelling."""
    given = msgspec.to_builtins(query)
    return {
        name: value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for name, value in given.items()
        if name not in _PER_REQUEST and name not in in_path and value is not None
    }


def links(path: str, kept: Mapping[str, str], page: Listing) -> dict[str, str]:
    """The `Link` header (RFC 8288) of a page; `kept` are the parameters that stay the same."""
    targets = (("next", "before", page.next), ("prev", "after", page.prev))
    found = [
        f'<{path}?{urlencode({**kept, parameter: token})}>; rel="{rel}"'
        for rel, parameter, token in targets
        if token is not None
    ]
    return {"Link": ", ".join(found)} if found else {}
