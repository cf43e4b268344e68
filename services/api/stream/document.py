"""The OpenAPI operation of the stream, with its events and their data."""

from typing import Final, NamedTuple

from msgspec import Struct

from services.api import answers, examples
from services.api.auth.access import Access
from services.api.operation import Json, Operation
from services.api.queries import StreamQuery, TicketQuery
from services.api.stream.wire import EVENT_STREAM, EventName

LAST_EVENT_ID: Final = "Last-Event-ID"
_DESCRIPTION: Final = """\
Server-sent events. A client that keeps the newest `limit` items it received, each as last received,
without those removed, holds the same items as the first page of the home timeline.

An event's id encodes what the client then holds. Sent as `Last-Event-ID`, it makes a new stream
continue right after that event, on any server process, without repeating anything.

A browser's `EventSource` can send no token: it asks for a ticket first, and opens the stream with
it and, when it comes back, with `last_event_id`.
"""


class _Kind(NamedTuple):
    """The meaning of an event and the types of its data."""

    description: str
    payloads: tuple[type[Struct], ...]


_KINDS: Final[dict[EventName, _Kind]] = {
    "change": _Kind(
        "Items that are not news; sort them in by id. Without `Last-Event-ID`, the first event is "
        "the whole page. Later ones bring items that arrived over 15 minutes late or below all "
        "others, items shown again, and items in place of removed ones. `gap` is what arrived "
        "while the client was away and does not fit; `state` says whether the timeline is being "
        "built.",
        (answers.Listing,),
    ),
    "entry": _Kind(
        "A new item, at most 15 minutes late; a `Reference` if `hydrate` is false.",
        (answers.Item, answers.Reference),
    ),
    "edit": _Kind("The current version of an item.", (answers.Item, answers.Reference)),
    "removal": _Kind("An item that is no longer shown, for whatever reason.", (answers.Reference,)),
    "heartbeat": _Kind("Nothing happened for a while.", (answers.Heartbeat,)),
    "end": _Kind(
        "The last event, with the reason. Reconnect with `Last-Event-ID` to continue; after "
        "`token`, with a new token.",
        (answers.Ended,),
    ),
}


def _schema(name: EventName, kind: _Kind) -> Json:
    data = [answers.schema_ref(each.__name__) for each in kind.payloads]
    return {
        "type": "object",
        "description": kind.description,
        "properties": {
            "event": {"const": name},
            "data": {
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": data[0] if len(data) == 1 else {"anyOf": data},
            },
            "id": {"type": "string"},  # an event without one keeps the last id
        },
        "required": ["event", "data"],
        "additionalProperties": False,
    }


STREAM_HOME: Final = Operation(
    id="streamHome",
    path="/v1/users/{user_id}/home/stream",
    summary="Stream the changes of a home timeline",
    description=_DESCRIPTION,
    query=StreamQuery,
    access=Access.TICKET,
    schema={"oneOf": [_schema(name, kind) for name, kind in _KINDS.items()]},
    example=examples.EVENT,
    media_type=EVENT_STREAM,
    request_headers=(LAST_EVENT_ID,),
)
READ_TICKET: Final = Operation(
    id="readStreamTicket",
    path=f"{STREAM_HOME.path}/ticket",
    summary="Get a ticket that opens the stream within a minute, in place of a token",
    description="It opens this stream of this user alone. The stream ends with the token by which "
    "the ticket was asked for.",
    query=TicketQuery,
    access=Access.OWNER,
    response=answers.Ticket,
    example=examples.TICKET,
)
