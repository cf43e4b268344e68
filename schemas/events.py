"""Facts about posts and follows. The wire form is JSON, tagged by `type`."""

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from schemas.ids import MAX_ID

MAX_TEXT = 10_000  # code points
MAX_MENTIONS = 50
MAX_TAGS = 30
MAX_LINKS = 20
MAX_GATE = 100
MAX_LANGUAGES = 100

ID_PATTERN = "^[1-9][0-9]{0,18}$"
"""The pattern of an id that is sent as a string."""

Id: TypeAlias = Annotated[
    int,
    Meta(
        ge=1,
        le=MAX_ID,
        description="a decimal string or an integer",
        extra_json_schema={"pattern": ID_PATTERN},
    ),
]
VersionField: TypeAlias = Annotated[
    int, Meta(ge=0, le=MAX_ID, description="microseconds since the Unix epoch")
]
Text: TypeAlias = Annotated[str, Meta(max_length=MAX_TEXT)]
Visibility: TypeAlias = Literal["public", "unlisted", "followers", "direct"]
Mentions: TypeAlias = Annotated[tuple[Id, ...], Meta(max_length=MAX_MENTIONS)]
Tags: TypeAlias = Annotated[tuple[str, ...], Meta(max_length=MAX_TAGS)]
Links: TypeAlias = Annotated[tuple[str, ...], Meta(max_length=MAX_LINKS)]
GateEntry: TypeAlias = Annotated[
    str, Meta(pattern=r"^(mentioned|followers|followed|list:[1-9][0-9]{0,18})\Z")
]
ReplyGate: TypeAlias = Annotated[tuple[GateEntry, ...], Meta(max_length=MAX_GATE)]
Languages: TypeAlias = Annotated[tuple[str, ...], Meta(max_length=MAX_LANGUAGES)]
Replies: TypeAlias = Literal["all", "followed", "conversation", "self_threads", "none"]


class Fact(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    version: VersionField


class _Creation(Fact, frozen=True, kw_only=True):
    """A new post. Null and absence mean the default of a field."""

    post_id: Id
    author_id: Id
    text: Text | None = None
    lang: str | None = None
    visibility: Visibility | None = None
    mentions: Mentions | None = None
    tags: Tags | None = None
    links: Links | None = None
    reply_gate: ReplyGate | None = None
    repost_of: Id | None = None
    quote_of: Id | None = None


class _Edit(Fact, frozen=True, kw_only=True):
    """An author's edit. An absent field is unchanged, null is the default."""

    post_id: Id
    author_id: Id
    text: Text | None | UnsetType = UNSET
    lang: str | None | UnsetType = UNSET
    visibility: Visibility | None | UnsetType = UNSET
    mentions: Mentions | None | UnsetType = UNSET
    tags: Tags | None | UnsetType = UNSET
    links: Links | None | UnsetType = UNSET
    reply_gate: ReplyGate | None | UnsetType = UNSET


class _Deletion(Fact, frozen=True, kw_only=True):
    post_id: Id
    author_id: Id


class PostCreated(_Creation, frozen=True, kw_only=True, tag="post.created"):
    """A post without a parent, or a repost."""


class PostEdited(_Edit, frozen=True, kw_only=True, tag="post.edited"):
    """New values of some fields of a post."""


class PostDeleted(_Deletion, frozen=True, kw_only=True, tag="post.deleted"):
    """The end of a post, whatever its version."""


class ReplyCreated(_Creation, frozen=True, kw_only=True, tag="reply.created"):
    """A post with a parent; `root_id` is the producer's claim of the conversation."""

    parent_id: Id
    root_id: Id | None = None


class ReplyEdited(_Edit, frozen=True, kw_only=True, tag="reply.edited"):
    """New values of some fields of a reply; parent and root are the creation's, for the key."""

    parent_id: Id | None = None
    root_id: Id | None = None


class ReplyDeleted(_Deletion, frozen=True, kw_only=True, tag="reply.deleted"):
    """The end of a reply; parent and root are the creation's, for the key."""

    parent_id: Id | None = None
    root_id: Id | None = None


class QuoteDetached(Fact, frozen=True, kw_only=True, tag="quote.detached"):
    """The quoted author takes their post out of a quote, for good; `post_id` is the quote's."""

    post_id: Id
    author_id: Id


class FollowCreated(Fact, frozen=True, kw_only=True, tag="follow.created"):
    """A follow edge with all its options; an absent option is the default."""

    follower_id: Id
    followee_id: Id
    replies: Replies | None = None
    reposts: bool | None = None
    bare_links: bool | None = None
    languages: Languages | None = None


class FollowDeleted(Fact, frozen=True, kw_only=True, tag="follow.deleted"):
    """The end of a follow edge."""

    follower_id: Id
    followee_id: Id


Creation: TypeAlias = PostCreated | ReplyCreated
Edit: TypeAlias = PostEdited | ReplyEdited
Deletion: TypeAlias = PostDeleted | ReplyDeleted
PostFact: TypeAlias = Creation | Edit | Deletion | QuoteDetached
FollowFact: TypeAlias = FollowCreated | FollowDeleted
EDITABLE = ("text", "lang", "visibility", "mentions", "tags", "links", "reply_gate")
"""The fields that an edit may change."""
