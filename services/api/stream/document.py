"""What the document says of the stream: its events, and what each carries."""

from typing import Final, NamedTuple

from msgspec import Struct

from services.api import answers, examples
from services.api.auth.access import Access
from services.api.operation import Json, Operation
from services.api.queries import StreamQuery
from services.api.stream.wire import EVENT_STREAM, EventName

LAST_EVENT_ID: Final = "Last-Event-ID"
_DESCRIPTION: Final = """\
Server-sent events. Whoever keeps the newest `limit` of the items that he is told of, each as it was
told last, and none that was removed, holds what the first page of the home timeline shows.

The id of an event holds what its reader then has. Sent as `Last-Event-ID`, it makes a new stream go
on exactly behind that event, at any process, whatever happened meanwhile, without a repetition.
"""


class _Kind(NamedTuple):
    """An event: what it means, and what its data can be."""

    description: str
    payloads: tuple[type[Struct], ...]


_KINDS: Final[dict[EventName, _Kind]] = {
    "change": _Kind(
        "Items that are there now and are no news, to be put where their ids say. The first event "
        "of a stream without `Last-Event-ID` is one, with the whole page. Later ones bring what "
        "came more than a quarter of an hour late or below all others, what is shown again, and "
        "what fills the place of removed items. `gap` is what came while nobody was told and does "
        "not fit; `state` says whether the timeline is being built.",
        (answers.Listing,),
    ),
    "entry": _Kind(
        "A new item, or one late by less than that; a `Reference` with `hydrate=false`.",
        (answers.Item, answers.Reference),
    ),
    "edit": _Kind("An item as it is now.", (answers.Item, answers.Reference)),
    "removal": _Kind("An item that is no longer shown, whatever hides it.", (answers.Reference,)),
    "heartbeat": _Kind("Nothing else happened for a while.", (answers.Heartbeat,)),
    "end": _Kind(
        "The last event, with the reason. The stream goes on with `Last-Event-ID`; after `token` "
        "it takes another token.",
        (answers.Ended,),
    ),
}


def _schema(name: EventName, kind: _Kind) -> Json:
    data = [{"$ref": f"#/components/schemas/{each.__name__}"} for each in kind.payloads]
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
            "id": {"type": "string"},  # an event without one leaves its reader the last one
        },
        "required": ["event", "data"],
        "additionalProperties": False,
    }


STREAM_HOME: Final = Operation(
    id="streamHome",
    path="/v1/users/{user_id}/home/stream",
    summary="The home timeline of a user as it changes",
    description=_DESCRIPTION,
    query=StreamQuery,
    access=Access.OWNER,
    response=None,
    schema={"oneOf": [_schema(name, kind) for name, kind in _KINDS.items()]},
    example=examples.EVENT,
    media_type=EVENT_STREAM,
    request_headers=(LAST_EVENT_ID,),
)
