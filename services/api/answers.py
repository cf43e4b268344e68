"""What the API answers: ids as strings, times in RFC 3339, nothing that the contract lacks."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from schemas.events import Visibility
from services import item as shown
from services.timelines import home
from services.visibility.view import ReasonKind

IdText = Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,18}$", description="an id, in decimal")]
Time = Annotated[datetime, Meta(tz=True)]


def _one_of(*schemas: dict[str, Any]) -> Meta:
    return Meta(extra_json_schema={"items": {"anyOf": list(schemas)}})


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


class Repost(Struct, frozen=True):
    """Who reposted, of those the viewer may see, the earliest first; and what."""

    by: list[IdText]
    original: IdText


class Reason(Struct, frozen=True):
    """Why an item is in this listing, and through whom."""

    kind: ReasonKind
    by: str


class Item(Struct, frozen=True):
    """A post as it is shown. In a repost `post_id` is the repost's, all else the original's."""

    post_id: IdText
    author_id: IdText
    created_at: Time
    text: str
    lang: str | None
    visibility: Visibility
    parent_id: IdText | None
    root_id: IdText | None
    repost: Repost | None
    edited: bool
    reason: Reason | None
    warn: str | None


class ThreadItem(Item, frozen=True):
    """A post in its thread: depth 0 is the post asked for, ancestors are negative."""

    depth: int
    placeholder: None
    truncated: Annotated[int, Meta(ge=0, description="direct replies that are cut here")]
    hidden: Annotated[int, Meta(ge=0, description="direct replies hidden from the viewer")]


class Placeholder(Struct, frozen=True):
    """What stands for a post that is not shown and keeps its replies in place."""

    post_id: IdText
    depth: int
    placeholder: shown.Placeholder
    truncated: Annotated[int, Meta(ge=0)]
    hidden: Annotated[int, Meta(ge=0)]


class Thread(Struct, frozen=True):
    """A conversation from its root, flat, in reading order."""

    items: Annotated[Sequence[Any], _one_of(_ref("ThreadItem"), _ref("Placeholder"))]


class Gap(Struct, frozen=True, rename={"newest": "from", "oldest": "to"}):
    """What did not fit between a page and `newer_than`: `cursor` goes into `before` with it."""

    newest: IdText
    oldest: IdText
    cursor: str


class Listing(Struct, frozen=True):
    """A page, newest first. `next` goes into `before`, `prev` into `after` or `newer_than`."""

    items: list[Item | IdText]
    next: str | None
    prev: str | None
    gap: Gap | None
    state: Literal["ready", "building"]


class Explanation(Struct, frozen=True):
    """Whether a post is in a home timeline: by which rule, and by what path it is owed now."""

    shown: bool
    rule: int
    reason: str
    path: str | None
    stored: bool


class Health(Struct, frozen=True):
    """Alive, or ready to serve."""

    status: Literal["ok"] = "ok"


def item(post: shown.Item) -> Item:
    """An item in the API's words."""
    return Item(**_fields(post))


def thread_item(place: shown.ThreadItem) -> ThreadItem | Placeholder:
    """A post's place in a thread in the API's words."""
    if place.item is None:
        assert place.placeholder is not None
        post, kind = str(place.post_id), place.placeholder
        return Placeholder(post, place.depth, kind, place.truncated, place.hidden)
    return ThreadItem(
        **_fields(place.item),
        depth=place.depth,
        placeholder=None,
        truncated=place.truncated,
        hidden=place.hidden,
    )


def explanation(found: home.Explanation) -> Explanation:
    return Explanation(*found)


def _fields(post: shown.Item) -> dict[str, Any]:
    return {
        "post_id": str(post.post_id),
        "author_id": str(post.author_id),
        "created_at": datetime.fromtimestamp(post.created_at / 1_000, UTC),
        "text": post.text,
        "lang": post.lang,
        "visibility": post.visibility,
        "parent_id": _text(post.parent_id),
        "root_id": _text(post.root_id),
        "repost": None if post.repost is None else _repost(post.repost),
        "edited": post.edited,
        "reason": None if post.reason is None else _reason(post.reason),
        "warn": post.warn,
    }


def _repost(repost: shown.Repost) -> Repost:
    return Repost([str(each) for each in repost.by], str(repost.original))


def _reason(reason: shown.Reason) -> Reason:
    return Reason(reason.kind, str(reason.by))


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
