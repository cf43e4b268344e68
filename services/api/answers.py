"""The JSON that the API answers with: ids as strings, times in RFC 3339."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from schemas.events import Replies, Visibility
from schemas.relations import Context, ListReplies, MuteAction, Scope
from services.readers import item as shown
from services.readers import people
from services.readers.paging import MAX_UNREAD
from services.relations.lists import ListRules
from services.relations.relations import Edge, KeywordMute, Mute
from services.visibility import standing
from services.visibility.view import ReasonKind

IdText = Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,18}$", description="an id in decimal")]
Time = Annotated[datetime, Meta(tz=True)]
_LATEST: Final = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
"""Any version may be said of a relation whose record has no timestamp."""


def schema_ref(name: str) -> dict[str, str]:
    """Return the reference to a schema of the OpenAPI document."""
    return {"$ref": f"#/components/schemas/{name}"}


def _items_of(*names: str) -> Meta:
    return Meta(extra_json_schema={"items": {"anyOf": [schema_ref(name) for name in names]}})


class Repost(Struct, frozen=True):
    """The original post and its reposters that the viewer may see, earliest first."""

    by: list[IdText]
    original: IdText


class Reason(Struct, frozen=True):
    """Why an item is in this listing; `by` is the author of the post or repost."""

    kind: ReasonKind
    by: str


class Quote(Struct, frozen=True):
    """A quoted post: its item, or the placeholder for it. What a quoted post quotes has neither."""

    post_id: IdText
    item: "Item | None"
    placeholder: standing.Placeholder | None


class Item(Struct, frozen=True):
    """A post as shown to the viewer. For a repost, all but `post_id` is the original's."""

    post_id: IdText
    author_id: IdText
    created_at: Time
    text: str
    lang: str | None
    visibility: Visibility
    parent_id: IdText | None
    root_id: IdText | None
    repost: Repost | None
    quote: Quote | None
    edited: bool
    reason: Reason | None
    warn: str | None


class ThreadItem(Item, frozen=True):
    """A post in a thread. The requested post has depth 0, its ancestors negative depths."""

    depth: int
    placeholder: None
    truncated: Annotated[int, Meta(ge=0, description="direct replies not included here")]
    hidden: Annotated[int, Meta(ge=0, description="direct replies hidden from the viewer")]


class Placeholder(Struct, frozen=True):
    """Stands in a thread for a post that is not shown, so that its replies keep their place."""

    post_id: IdText
    depth: int
    placeholder: standing.Placeholder
    truncated: Annotated[int, Meta(ge=0)]
    hidden: Annotated[int, Meta(ge=0)]


class Thread(Struct, frozen=True):
    """A conversation from its root, as a flat list in reading order, in pages.

    The first page begins with the ancestors and the requested post; all have some of its direct
    replies, each with what is below it. Send `next` as `before` to read the replies behind them.
    """

    items: Annotated[Sequence[Any], _items_of("ThreadItem", "Placeholder")]
    next: str | None


class Gap(Struct, frozen=True, rename={"newest": "from", "oldest": "to"}):
    """Entries that did not fit between a page and `newer_than`.

    To read them, send `cursor` as `before` with the same `newer_than`.
    """

    newest: IdText
    oldest: IdText
    cursor: str


class Listing(Struct, frozen=True):
    """A page of items, newest first. Send `next` as `before`, `prev` as `after` or `newer_than`.

    `generation` tells operators which tables a home timeline was read from; cursors outlive it.
    Only a home has `mark`, the last post that its owner marked as read, and `unread`, how many
    entries are newer, up to 100: null where there is no mark, and on pages that a cursor asks for.
    With `hydrate=false` read `post_ids`: that `items` are ids then ends with the next release.
    """

    items: list[Item | IdText]
    next: str | None
    prev: str | None
    gap: Gap | None
    state: Literal["ready", "building"]
    generation: str | None = None
    mark: IdText | None | UnsetType = UNSET
    unread: Annotated[int, Meta(ge=0, le=MAX_UNREAD)] | None | UnsetType = UNSET
    post_ids: list[IdText] | UnsetType = UNSET


class Follow(Struct, frozen=True):
    """A follow edge with its options; `since` is `followed_at` in microseconds of 1970."""

    since: int
    followed_at: Time
    replies: Replies
    reposts: bool
    bare_links: bool | None
    languages: list[str]


class Muted(Struct, frozen=True):
    """A mute of a user; `expires_at` is `ends_at` in microseconds of 1970."""

    scope: Scope
    expires_at: int | None
    ends_at: Time | None


class Person(Struct, frozen=True):
    """The relationship between a user and another, without what only the other may know."""

    user_id: IdText
    follow: Follow | None
    followed_by: bool
    blocked: bool
    mute: Muted | None
    lists: list[IdText]


class OwnList(Struct, frozen=True):
    """A list that the user owns."""

    list_id: IdText
    replies: ListReplies
    reposts: bool
    exclusive: bool


class FollowedTag(Struct, frozen=True):
    """A tag that the user follows, in the form in which tags are compared."""

    tag: str


class MutedWords(Struct, frozen=True):
    """A keyword mute; without contexts it applies to all of them. It ends as a mute does."""

    keyword_id: IdText
    phrase: str
    whole_word: bool
    contexts: list[Context]
    action: MuteAction
    expires_at: int | None
    ends_at: Time | None


class Relations(Struct, frozen=True):
    """A page of a user's relations of one kind. Send `next` as `before`."""

    items: Annotated[
        Sequence[Any],
        _items_of("Person", "OwnList", "FollowedTag", "MutedWords"),
    ]
    next: str | None


class Reference(Struct, frozen=True):
    """The id of a post."""

    post_id: IdText


class Ticket(Struct, frozen=True):
    """What opens a stream in place of a token, within `expires_in` seconds."""

    ticket: str
    expires_in: Annotated[int, Meta(ge=1)]


class Heartbeat(Struct, frozen=True):
    """Nothing happened; the stream is alive."""


class Ended(Struct, frozen=True):
    """Why a stream ended.

    `slow`: the client did not accept an event in time; `token`: the token is no longer valid;
    `lifetime`: the stream reached its maximum age; `stopping`: the server shuts down.
    """

    reason: Literal["slow", "token", "lifetime", "stopping"]


class Health(Struct, frozen=True):
    """The process is alive, or ready to serve."""

    status: Literal["ok"] = "ok"


UNIONS: Final = (ThreadItem, Placeholder, Person, OwnList, FollowedTag, MutedWords)
"""Items of listings that hold several kinds."""
STREAMED: Final = (Reference, Heartbeat, Ended)
"""The data of stream events, besides items and listings."""


def item(post: shown.Item) -> Item:
    """Return the item to answer with."""
    return Item(**_fields(post))


def thread_item(place: shown.ThreadItem) -> ThreadItem | Placeholder:
    """Return a thread's post or placeholder to answer with."""
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


def person(found: people.Person, now_us: int) -> Person:
    """Return a relationship to answer with; a mute that expired by `now_us` is left out."""
    user_id, relationship, followed_by = found
    edge, mute = relationship.edge, relationship.mute
    active = mute is not None and (mute.expires_at is None or now_us < mute.expires_at)
    return Person(
        user_id=str(user_id),
        follow=None if edge is None else _follow(edge),
        followed_by=followed_by,
        blocked=relationship.blocks,
        mute=_muted(mute) if mute is not None and active else None,
        lists=[str(each) for each in sorted(relationship.lists)],
    )


def own_list(list_id: int, rules: ListRules) -> OwnList:
    return OwnList(str(list_id), rules.replies, rules.reposts, rules.exclusive)


def muted_words(mute: KeywordMute) -> MutedWords:
    return MutedWords(
        str(mute.keyword_id),
        mute.phrase,
        mute.whole_word,
        sorted(mute.contexts),
        mute.action,
        mute.expires_at,
        _end(mute),
    )


def time_of(microseconds: int) -> datetime:
    """Return a time since 1970, or the last day that has an RFC 3339 form."""
    return datetime.fromtimestamp(min(microseconds / 1_000_000, _LATEST), UTC)


def _muted(mute: Mute) -> Muted:
    return Muted(mute.scope, mute.expires_at, _end(mute))


def _end(mute: Mute | KeywordMute) -> datetime | None:
    return None if mute.expires_at is None else time_of(mute.expires_at)


def _follow(edge: Edge) -> Follow:
    options = (edge.replies, edge.reposts, edge.bare_links, sorted(edge.languages))
    return Follow(edge.version, time_of(edge.version), *options)


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
        "quote": None if post.quote is None else _quote(post.quote),
        "edited": post.edited,
        "reason": None if post.reason is None else _reason(post.reason),
        "warn": post.warn,
    }


def _repost(repost: shown.Repost) -> Repost:
    return Repost([str(each) for each in repost.by], str(repost.original))


def _quote(quote: shown.Quote) -> Quote:
    quoted = None if quote.item is None else item(quote.item)
    return Quote(str(quote.post_id), quoted, quote.placeholder)


def _reason(reason: shown.Reason) -> Reason:
    return Reason(reason.kind, str(reason.by))


def _optional_text(number: int | None) -> str | None:
    return None if number is None else str(number)
