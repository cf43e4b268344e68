"""Read marks as the API answers with them."""

from datetime import UTC, datetime
from typing import Annotated

from msgspec import Meta, Struct

from services.api.answers import IdText, Time
from services.relations import relations
from services.relations.mutation import SubjectKind

_LATEST = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
"""The last day that has an RFC 3339 form; a record without a timestamp may have any version."""


class MarkItem(Struct, frozen=True):
    """How far a user has read: `home`, or `conversation:` with its root.

    Or that an unanswered post is set aside: `unanswered:` with its id.
    """

    what: Annotated[str, Meta(pattern=r"^(home|(conversation|unanswered):[1-9][0-9]{0,18})$")]
    up_to: IdText
    at: Time


class MarkPage(Struct, frozen=True):
    """A page of a user's marks, that of home first. Send `next` as `before`."""

    items: list[MarkItem]
    next: str | None


def read_mark(mark: relations.ReadMark) -> MarkItem:
    """Return a mark to answer with; `at` is its version."""
    what = "home"
    if mark.post_id:
        place = "conversation" if mark.kind is SubjectKind.READ else "unanswered"
        what = f"{place}:{mark.post_id}"
    at = datetime.fromtimestamp(min(mark.version / 1_000_000, _LATEST), UTC)
    return MarkItem(what, str(mark.up_to), at)
