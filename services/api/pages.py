"""Pages of listings: cursors outside, positions as post ids inside."""

from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias
from urllib.parse import quote, urlencode

import msgspec
from litestar import Response
from msgspec import UNSET, Struct
from msgspec.structs import replace

from schemas.ids import PostId, UserId
from services.api.answers import Gap, Listing, item
from services.api.answers import Item as ItemAnswer
from services.api.cursors import Cursors, InvalidCursor
from services.api.operation import AnyRequest
from services.api.page_position import PagePosition, bare_position, with_seen
from services.api.problems import BadParameter
from services.api.queries import PageQuery
from services.readers.item import Item
from services.readers.paging import Page, PageRequest

BUILDING_RETRY = "2"
"""Seconds after which to read a timeline again that is being built."""
_PER_REQUEST = frozenset({"before", "after", "newer_than", "wait_for"})
"""Parameters that links to other pages do not repeat."""
_PARAMETERS: Final = {"next": "before", "prev": "after"}

Rel: TypeAlias = Literal["next", "prev"]
"""The page that a link leads to."""
ReadPage: TypeAlias = Callable[[PageRequest], Awaitable[Page]]


@dataclass(frozen=True)
class Pager:
    """Pages of one listing for one viewer; `listing` names both and binds their cursors."""

    cursors: Cursors
    listing: str
    present: Callable[[Item], ItemAnswer] = item

    async def respond(
        self, request: AnyRequest, query: PageQuery, read: ReadPage, *, hydrate: bool = True
    ) -> Response[Listing]:
        """Answer with a page and the links to its neighbours. Raises BadParameter."""
        listing = await self.page(query, read, hydrate=hydrate)
        headers = links(request, query, {"next": listing.next, "prev": listing.prev})
        if listing.state == "building":
            headers["Retry-After"] = BUILDING_RETRY
        return Response(listing, headers=headers)

    async def page(self, query: PageQuery, read: ReadPage, *, hydrate: bool = True) -> Listing:
        """Return the requested page. Raises BadParameter for cursors that are invalid here."""
        if query.after is None:
            page, newest = await self._read_older(query, read)
        else:
            page, newest = await self._read_newer(query, read)
        return self.to_listing(page, newest, hydrate=hydrate)

    def to_listing(self, page: Page, newest: PagePosition | None, *, hydrate: bool) -> Listing:
        """Return the page to answer with; newer items follow from `newest` on."""
        ids = UNSET if hydrate else [str(each.post_id) for each in page.items]
        return Listing(
            items=[self.present(each) for each in page.items] if ids is UNSET else [*ids],
            post_ids=ids,
            next=self.cursor_at(page.older),
            prev=None if newest is None else self.cursors.seal(self.listing, newest),
            gap=self._gap(page),
            state="building" if page.building else "ready",
            generation=page.generation,
            mark=str(page.mark) if isinstance(page.mark, int) else page.mark,
            unread=page.unread,
        )

    def open_cursor(self, name: str, token: str | None) -> PagePosition | None:
        """Return the position in a parameter's cursor. Raises BadParameter."""
        try:
            return None if token is None else self.cursors.open(self.listing, token)
        except InvalidCursor as error:
            raise BadParameter(name, str(error)) from None

    def cursor_at(self, position: int | None) -> str | None:
        """Return the cursor of a position, None without one."""
        if position is None:
            return None
        return self.cursors.seal(self.listing, bare_position(PostId(position)))

    def _gap(self, page: Page) -> Gap | None:
        if page.gap is None:
            return None
        cursor = self.cursors.seal(self.listing, bare_position(page.gap.newest))
        return Gap(str(page.gap.newest), str(page.gap.oldest), cursor)

    async def _read_older(
        self, query: PageQuery, read: ReadPage
    ) -> tuple[Page, PagePosition | None]:
        """Return the page from the newest entry or from `before`, and where newer ones follow."""
        before = self.open_cursor("before", query.before)
        newer_than = self.open_cursor("newer_than", query.newer_than)
        page = await read(
            PageRequest(
                query.limit,
                before=before and before.position,
                newer_than=newer_than and newer_than.position,
            )
        )
        if not page.items:
            return page, newer_than
        start = PagePosition(page.items[0].post_id, page.items[-1].post_id)
        return page, with_seen(start, _ids(page.items))

    async def _read_newer(
        self, query: PageQuery, read: ReadPage
    ) -> tuple[Page, PagePosition | None]:
        """Return the page above `after`, with entries that became readable just below it since."""
        refuse_cursors(query, "after", ("before", "newer_than"))
        start = self.open_cursor("after", query.after)
        assert start is not None
        known = frozenset(start.seen)
        page = await read(PageRequest(query.limit + len(known), after=start.floor))
        items = [each for each in page.items if each.post_id not in known][-query.limit :]
        reached = items[0].post_id if items else page.newer or start.position
        place = start._replace(position=max(start.position, reached))
        if not items and reached > max((start.floor, *_ids(page.items))):
            place = place._replace(floor=reached)  # more hidden entries than one page scans
        older = items[-1].post_id if items else None
        page = replace(page, items=items, older=older, newer=None, gap=None)
        return page, with_seen(place, _ids(items))


def refuse_cursors(
    query: PageQuery, parameter: str, cursors: Sequence[str] = ("before", "after", "newer_than")
) -> None:
    """Raise BadParameter where a cursor is given with a parameter that stands alone."""
    for name in cursors:
        if getattr(query, name) is not None:
            raise BadParameter(parameter, f"cannot be combined with `{name}`")


def _ids(items: list[Item]) -> list[PostId]:
    return [each.post_id for each in items]


def _repeated(query: Struct, in_path: Container[str]) -> dict[str, str]:
    """Return the parameters that links repeat, as JSON spells them."""
    parameters = msgspec.to_builtins(query)
    return {
        name: value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for name, value in parameters.items()
        if name not in _PER_REQUEST and name not in in_path and value is not None
    }


def links(request: AnyRequest, query: Struct, tokens: Mapping[Rel, str | None]) -> dict[str, str]:
    """Return the `Link` header (RFC 8288) of a page, with the path as the client sent it."""
    path = quote(request.scope["raw_path"].decode("ascii", "replace"), safe="/%")
    kept = _repeated(query, request.path_params)
    parts = [
        f'<{path}?{urlencode({**kept, _PARAMETERS[rel]: token})}>; rel="{rel}"'
        for rel, token in tokens.items()
        if token is not None
    ]
    return {"Link": ", ".join(parts)} if parts else {}


def author_listing(author: UserId, viewer: UserId | None, part: str = "") -> str:
    """Return the listing name of an author's pages, or of a part of them, for cursors."""
    return f"posts/{author}/{viewer or ''}{part}"


def home_listing(viewer: UserId) -> str:
    """Return the listing name of a home timeline's pages, for cursors."""
    return f"home/{viewer}"
