"""What the API answers: ids as strings, times in RFC 3339, nothing that the contract lacks."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from schemas.events import Replies, Visibility
from schemas.relations import Context, ListReplies, MuteAction, Scope
from services.readers import home, people
from services.readers import item as shown
from services.relations.lists import ListRules
from services.relations.relations import Edge, KeywordMute
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
    """A page, newest first. `next` goes into `before`, `prev` into `after` or `newer_than`.

    `generation` names the tables that a home was read from, for operators; cursors outlive it.
    """

    items: list[Item | IdText]
    next: str | None
    prev: str | None
    gap: Gap | None
    state: Literal["ready", "building"]
    generation: str | None = None


class Explanation(Struct, frozen=True):
    """Whether a post is in a home timeline: by which rule, and by what path it is owed now."""

    shown: bool
    rule: int
    reason: str
    path: str | None
    stored: bool


class Follow(Struct, frozen=True):
    """A follow edge with its options; `since` is in microseconds since the Unix epoch."""

    since: int
    replies: Replies
    reposts: bool
    bare_links: bool | None
    languages: list[str]


class Muted(Struct, frozen=True):
    """A mute; `expires_at` is in microseconds since the Unix epoch."""

    scope: Scope
    expires_at: int | None


class Person(Struct, frozen=True):
    """How a user and another stand to each other, as far as the user himself said it."""

    user_id: IdText
    follow: Follow | None
    followed_by: bool
    blocked: bool
    mute: Muted | None
    lists: list[IdText]


class OwnList(Struct, frozen=True):
    """A list of the user's."""

    list_id: IdText
    replies: ListReplies
    exclusive: bool


class FollowedTag(Struct, frozen=True):
    """A tag that the user follows, as tags are compared."""

    tag: str


class MutedWords(Struct, frozen=True):
    """A keyword mute; no contexts are all of them."""

    keyword_id: IdText
    phrase: str
    whole_word: bool
    contexts: list[Context]
    action: MuteAction
    expires_at: int | None


class Relations(Struct, frozen=True):
    """A page of what a user said of one kind; `next` goes into `before`."""

    items: Annotated[
        Sequence[Any],
        _one_of(_ref("Person"), _ref("OwnList"), _ref("FollowedTag"), _ref("MutedWords")),
    ]
    next: str | None


class Reference(Struct, frozen=True):
    """A post, by its id alone."""

    post_id: IdText


class Heartbeat(Struct, frozen=True):
    """Nothing happened, and the stream is alive."""


class Ended(Struct, frozen=True):
    """Why a stream ends: the reader was too slow, his token is no longer good, or for our part."""

    reason: Literal["slow", "token", "lifetime", "stopping"]


class Health(Struct, frozen=True):
    """Alive, or ready to serve."""

    status: Literal["ok"] = "ok"


UNIONS: Final = (ThreadItem, Placeholder, Person, OwnList, FollowedTag, MutedWords)
"""Of which lists are made whose items are of several kinds."""
STREAMED: Final = (Reference, Heartbeat, Ended)
"""What events carry, besides items and listings."""


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


def person(found: people.Person, now: int) -> Person:
    """Somebody in the API's words; `now` in microseconds, for what has expired."""
    user_id, how, followed_by = found
    edge, mute = how.edge, how.mute
    lasts = mute is not None and (mute.expires_at is None or now < mute.expires_at)
    return Person(
        user_id=str(user_id),
        follow=None if edge is None else _follow(edge),
        followed_by=followed_by,
        blocked=how.blocks,
        mute=Muted(mute.scope, mute.expires_at) if mute is not None and lasts else None,
        lists=[str(each) for each in sorted(how.lists)],
    )


def own_list(list_id: int, rules: ListRules) -> OwnList:
    return OwnList(str(list_id), rules.replies, rules.exclusive)


def muted_words(mute: KeywordMute) -> MutedWords:
    return MutedWords(
        str(mute.keyword_id),
        mute.phrase,
        mute.whole_word,
        sorted(mute.contexts),
        mute.action,
        mute.expires_at,
    )


def _follow(edge: Edge) -> Follow:
    options = (edge.replies, edge.reposts, edge.bare_links, sorted(edge.languages))
    return Follow(edge.version, *options)


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
        "parent_id": _optional_text(post.parent_id),
        "root_id": _optional_text(post.root_id),
        "repost": None if post.repost is None else _repost(post.repost),
        "edited": post.edited,
        "reason": None if post.reason is None else _reason(post.reason),
        "warn": post.warn,
    }


def _repost(repost: shown.Repost) -> Repost:
    return Repost([str(each) for each in repost.by], str(repost.original))


def _reason(reason: shown.Reason) -> Reason:
    return Reason(reason.kind, str(reason.by))


def _optional_text(number: int | None) -> str | None:
    return None if number is None else str(number)
