"""The endpoint of the inbox: a user's conversations by last activity."""

from typing import Any, Final

from litestar import Response

from schemas.ids import PostId, UserId
from services.api import examples, inbox_answers
from services.api.auth.access import Access
from services.api.cursors import Cursors, InvalidCursor
from services.api.operation import AnyRequest, Endpoint, Operation
from services.api.pages import links
from services.api.problems import BadParameter
from services.api.queries import ConversationsQuery
from services.readers.inbox import Carried, InboxPlace, InboxReader

_LAYOUT: Final = b"\x01"
_ID_BYTES: Final = 8
_PAIR_BYTES: Final = 2 * _ID_BYTES

READ_CONVERSATIONS = Operation(
    id="readConversations",
    path="/v1/users/{user_id}/conversations",
    summary="List the conversations in which a user and others wrote, the latest active first",
    query=ConversationsQuery,
    access=Access.OWNER,
    response=inbox_answers.ConversationListing,
    example=examples.CONVERSATIONS,
    response_headers=("Link",),
)


def endpoints(inbox: InboxReader, cursors: Cursors, epoch: int) -> list[Endpoint]:
    async def read_conversations(
        request: AnyRequest, query: ConversationsQuery, viewer: UserId
    ) -> Response[Any]:
        listing = f"conversations/{viewer}"
        place = None if query.before is None else _open(cursors, listing, query.before)
        found, further = await inbox.page(viewer, place, query.limit)
        token = None if further is None else cursors.encrypt(listing, _pack(further))
        items = [inbox_answers.conversation(each, epoch) for each in found]
        return Response(
            inbox_answers.ConversationListing(items, token),
            headers=links(request, query, {"next": token}),
        )

    return [Endpoint(READ_CONVERSATIONS, read_conversations)]


def _open(cursors: Cursors, listing: str, token: str) -> InboxPlace:
    try:
        payload = cursors.decrypt(listing, token)
    except InvalidCursor as error:
        raise BadParameter("before", str(error)) from None
    start = len(_LAYOUT) + _ID_BYTES
    if payload[:1] != _LAYOUT or (len(payload) - start) % _PAIR_BYTES:
        raise BadParameter("before", "made by a later version of this API")
    ids = [
        PostId(int.from_bytes(payload[at : at + _ID_BYTES]))
        for at in range(len(_LAYOUT), len(payload), _ID_BYTES)
    ]
    below, *carried = ids
    return InboxPlace(below, tuple(map(Carried, carried[::2], carried[1::2])))


def _pack(place: InboxPlace) -> bytes:
    ids = [place.below, *(each for pair in place.carried for each in pair)]
    return _LAYOUT + b"".join(each.to_bytes(_ID_BYTES) for each in ids)
