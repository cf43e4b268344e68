"""Pages of signal: cursors that hold the moment of ordering."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from litestar import Response
from msgspec import UNSET

from schemas.ids import PostId
from services.api.cursors import Cursors, InvalidCursor
from services.api.operation import AnyRequest
from services.api.pages import BUILDING_RETRY, links, refuse_cursors
from services.api.problems import BadParameter
from services.api.queries import HomeQuery
from services.api.signal_answers import HomeListing, signal_item
from services.ranking.signal_order import SignalKey
from services.readers.signal import SignalPage, SignalPlace

ReadSignal: TypeAlias = Callable[[int, SignalPlace | None], Awaitable[SignalPage]]
"""Reads up to so many items behind a place."""
_LAYOUT: Final = b"\x01"
_NUMBER_BYTES: Final = 8
_NUMBERS: Final = 5


@dataclass(frozen=True)
class SignalPager:
    """Pages of one home's signal; `listing` binds their cursors."""

    cursors: Cursors
    listing: str

    async def respond(
        self, request: AnyRequest, query: HomeQuery, read: ReadSignal
    ) -> Response[HomeListing]:
        """Answer with a page and the link to the next one. Raises BadParameter."""
        refuse_cursors(query, "view", ("after", "newer_than"))
        if query.around is not None:
            raise BadParameter("around", "cannot be combined with `view=signal`")
        page = await read(query.limit, self._open(query.before))
        token = None if page.next is None else self._seal(page.next)
        ids = UNSET if query.hydrate else [str(each.item.post_id) for each in page.items]
        listing = HomeListing(
            items=[signal_item(each) for each in page.items] if ids is UNSET else ids,
            post_ids=ids,
            next=token,
            prev=None,
            gap=None,
            state="building" if page.building else "ready",
        )
        headers = links(request, query, {"next": token})
        if page.building:
            headers["Retry-After"] = BUILDING_RETRY
        return Response(listing, headers=headers)

    def _seal(self, place: SignalPlace) -> str:
        numbers = (place.moment, place.below, *place.key)
        packed = (each.to_bytes(_NUMBER_BYTES, signed=True) for each in numbers)
        return self.cursors.encrypt(self.listing, _LAYOUT + b"".join(packed))

    def _open(self, token: str | None) -> SignalPlace | None:
        if token is None:
            return None
        try:
            payload = self.cursors.decrypt(self.listing, token)
        except InvalidCursor as error:
            raise BadParameter("before", str(error)) from None
        if payload[:1] != _LAYOUT or len(payload) != 1 + _NUMBERS * _NUMBER_BYTES:
            raise BadParameter("before", "made by a later version of this API")
        starts = range(1, len(payload), _NUMBER_BYTES)
        moment, below, section, minus_score, minus_post = (
            int.from_bytes(payload[start : start + _NUMBER_BYTES], signed=True) for start in starts
        )
        return SignalPlace(moment, below, SignalKey(section, minus_score, PostId(minus_post)))
