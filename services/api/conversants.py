"""The endpoint of whom a user talks with and whom they might follow."""

from typing import Any

from litestar import Response

from schemas.ids import UserId
from services.api import examples
from services.api.auth.access import Access
from services.api.conversant_answers import ConversantListing, conversant_listing
from services.api.operation import AnyRequest, Endpoint, Operation
from services.api.queries import ConversantsQuery
from services.api.turns import Turns
from services.readers.conversants import ConversantsReader

READ_CONVERSANTS = Operation(
    id="readConversants",
    path="/v1/users/{user_id}/conversants",
    summary="List whom a user talks with and whom they might follow",
    query=ConversantsQuery,
    access=Access.OWNER,
    response=ConversantListing,
    example=examples.CONVERSANTS,
)


def endpoint(reader: ConversantsReader) -> Endpoint:
    turns = Turns("conversants")

    async def read_conversants(
        _: AnyRequest, _query: ConversantsQuery, viewer: UserId
    ) -> Response[Any]:
        async with turns.turn():
            return Response(conversant_listing(await reader.read(viewer)))

    return Endpoint(READ_CONVERSANTS, read_conversants)
