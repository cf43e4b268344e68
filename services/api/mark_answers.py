"""Read marks as the API answers with them."""

from typing import Annotated

from msgspec import Meta, Struct

from services.api.answers import IdText, Time, time_of
from services.relations import relations
from services.relations.mutation import SubjectKind


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
    return MarkItem(what, str(mark.up_to), time_of(mark.version))
