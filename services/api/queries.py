"""The parameters of each endpoint, with their bounds and descriptions."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from services.readers.author import AuthorReplies
from services.readers.paging import DEFAULT_LIMIT, MAX_LIMIT
from services.readers.search import MAX_WORDS
from services.readers.thread_shape import (
    DEFAULT_DIRECT_REPLIES,
    MAX_BRANCHES,
    MAX_DEPTH,
    MAX_DIRECT_REPLIES,
    ThreadSort,
)
from services.readers.unanswered import AnswerSort

IdParameter = Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,18}$")]
PathId = Annotated[IdParameter, Meta(examples=["4398046511104000001"])]
Viewer = Annotated[
    IdParameter,
    Meta(
        description="user who reads; by default the token's subject, else nobody: public posts only"
    ),
]
Cursor = Annotated[str, Meta(min_length=1)]
Before = Annotated[Cursor, Meta(description="`next` of a page, to read older items")]
After = Annotated[
    Cursor,
    Meta(description="`prev` of a page, to read the next newer items; not with another cursor"),
]
NewerThan = Annotated[
    Cursor, Meta(description="`prev` of a page, to read the newest items down to it")
]
HomeOwner = Annotated[PathId, Meta(description="the owner of the home timeline")]
Limit = Annotated[int, Meta(ge=1, le=MAX_LIMIT, description="maximum number of items")]
Order = Annotated[Literal["latest"], Meta(description="the order: newest first")]
HomeOrder = Annotated[
    Literal["latest", "signal"],
    Meta(description="newest first, or as the user may want to answer; then without `after`"),
]
Around = Annotated[
    Literal["mark"],
    Meta(description="half of the page newer than the user's read mark; not with a cursor"),
]
Hydrate = Annotated[bool, Meta(description="true: full items; false: only ids, in `post_ids`")]
WaitFor = Annotated[IdParameter, Meta(description="wait up to 2 s for this post to arrive")]
MAX_TAGS = 10
"""Tags in one parameter."""
MAX_QUERY = 1_000  # code points
TagList = Annotated[
    str, Meta(pattern=rf"^[^,]+(,[^,]+){{0,{MAX_TAGS - 1}}}$", examples=["rye,salt"])
]
AnyTag = Annotated[TagList, Meta(description=f"also match any of these tags; up to {MAX_TAGS}")]
AllTags = Annotated[TagList, Meta(description=f"match all of these tags; up to {MAX_TAGS}")]
NoTag = Annotated[TagList, Meta(description=f"match none of these tags; up to {MAX_TAGS}")]
Words = Annotated[
    str,
    Meta(
        max_length=MAX_QUERY,
        description=f"up to {MAX_WORDS} words that posts must all contain, in any case; "
        "optional if another criterion is given",
    ),
]
RelationKind = Literal["follows", "followers", "blocks", "mutes", "lists", "tags", "keyword_mutes"]
TimeParameter = Annotated[datetime, Meta(tz=True)]
Since = Annotated[TimeParameter, Meta(description="earliest time (RFC 3339, or microseconds)")]
Until = Annotated[
    TimeParameter, Meta(description="end of the time range, exclusive (RFC 3339, or microseconds)")
]


class PageQuery(Struct, frozen=True, kw_only=True):
    limit: Limit = DEFAULT_LIMIT
    before: Before | None = None
    after: After | None = None
    newer_than: NewerThan | None = None


class HomeQuery(PageQuery, frozen=True, kw_only=True):
    user_id: HomeOwner
    view: HomeOrder = "latest"
    hydrate: Hydrate = True
    wait_for: WaitFor | None = None
    around: Around | None = None


class StreamQuery(Struct, frozen=True, kw_only=True):
    user_id: HomeOwner
    limit: Annotated[
        int, Meta(ge=1, le=MAX_LIMIT, description="number of newest items to keep up to date")
    ] = DEFAULT_LIMIT
    view: Order = "latest"
    hydrate: Hydrate = True
    ticket: (
        Annotated[
            str,
            Meta(
                min_length=1,
                description="a ticket of `/home/stream/ticket`, for clients that can send no "
                "Authorization header, which comes before it",
            ),
        ]
        | None
    ) = None
    last_event_id: (
        Annotated[
            str,
            Meta(
                min_length=1,
                description="what Last-Event-ID says, for clients that cannot set it; the header "
                "comes before it",
            ),
        ]
        | None
    ) = None


class TicketQuery(Struct, frozen=True, kw_only=True):
    user_id: HomeOwner


class AuthorQuery(PageQuery, frozen=True, kw_only=True):
    user_id: Annotated[PathId, Meta(description="the author")]
    replies: Annotated[
        AuthorReplies, Meta(description="with replies, without them, or replies only")
    ] = "all"
    viewer: Viewer | None = None


class MentionsQuery(PageQuery, frozen=True, kw_only=True):
    user_id: Annotated[PathId, Meta(description="the user who is spoken to")]


class UnansweredQuery(MentionsQuery, frozen=True, kw_only=True):
    sort: Annotated[
        AnswerSort,
        Meta(
            description="the order; with `oldest` the item that waits longest is first, `before` "
            "goes on to newer ones, and `newer_than` is not allowed"
        ),
    ] = "newest"


class CatchUpQuery(Struct, frozen=True, kw_only=True):
    user_id: HomeOwner
    since: (
        Annotated[
            TimeParameter,
            Meta(
                description="earliest time (RFC 3339, or microseconds), 7 days ago at most; by "
                "default the user's read mark on home, else as far as home goes back"
            ),
        ]
        | None
    ) = None


class ConversantsQuery(Struct, frozen=True, kw_only=True):
    user_id: Annotated[PathId, Meta(description="the user whose conversants are listed")]


class PostQuery(Struct, frozen=True, kw_only=True):
    post_id: Annotated[PathId, Meta(description="the post")]
    viewer: Viewer | None = None


class QuotesQuery(PageQuery, frozen=True, kw_only=True):
    post_id: Annotated[PathId, Meta(description="the quoted post")]
    viewer: Viewer | None = None


class ThreadQuery(PostQuery, frozen=True, kw_only=True):
    sort: Annotated[ThreadSort, Meta(description="the order of replies to the same post")] = (
        "conversation"
    )
    depth: Annotated[int, Meta(ge=0, le=MAX_DEPTH, description="levels below the post")] = MAX_DEPTH
    branches: Annotated[
        int, Meta(ge=1, le=MAX_BRANCHES, description="replies to each post below the first level")
    ] = MAX_BRANCHES
    limit: Annotated[
        int,
        Meta(ge=1, le=MAX_DIRECT_REPLIES, description="direct replies of the post on a page"),
    ] = DEFAULT_DIRECT_REPLIES
    before: (
        Annotated[Cursor, Meta(description="`next` of a page, to read the replies behind it")]
        | None
    ) = None


class ExplainQuery(Struct, frozen=True, kw_only=True):
    user_id: HomeOwner
    post_id: Annotated[PathId, Meta(description="the post to explain")]
    view: Annotated[
        Literal["latest", "signal"], Meta(description="with `signal`: also what moves it there")
    ] = "latest"


class ListQuery(PageQuery, frozen=True, kw_only=True):
    list_id: Annotated[PathId, Meta(description="the list")]
    viewer: (
        Annotated[
            IdParameter, Meta(description="owner of the list, the token's subject by default")
        ]
        | None
    ) = None


class TagQuery(PageQuery, frozen=True, kw_only=True):
    tag: Annotated[
        str, Meta(min_length=1, description="the tag, with or without `#`", examples=["bread"])
    ]
    any: AnyTag | None = None
    all: AllTags | None = None
    none: NoTag | None = None
    viewer: Viewer | None = None


class SearchQuery(PageQuery, frozen=True, kw_only=True):
    q: Words | None = None
    author: Annotated[IdParameter, Meta(description="the author of the posts")] | None = None
    tag: Annotated[str, Meta(min_length=1, description="a tag that the posts have")] | None = None
    since: Since | None = None
    until: Until | None = None
    conversation: (
        Annotated[IdParameter, Meta(description="the root post of a conversation")] | None
    ) = None
    viewer: Viewer | None = None


class RelationsQuery(Struct, frozen=True, kw_only=True):
    user_id: Annotated[PathId, Meta(description="the user")]
    kind: Annotated[RelationKind, Meta(description="the kind of relation")] = "follows"
    limit: Limit = DEFAULT_LIMIT
    before: (
        Annotated[str, Meta(min_length=1, description="`next` of a page of the same kind")] | None
    ) = None


class MarksQuery(Struct, frozen=True, kw_only=True):
    user_id: Annotated[PathId, Meta(description="the user")]
    limit: Limit = DEFAULT_LIMIT
    before: Annotated[str, Meta(min_length=1, description="`next` of a page")] | None = None


class ConversationsQuery(MarksQuery, frozen=True, kw_only=True):
    """What may be asked of an inbox."""


class RelationQuery(Struct, frozen=True, kw_only=True):
    user_id: Annotated[PathId, Meta(description="the user")]
    other_id: Annotated[PathId, Meta(description="the other user")]


class NoQuery(Struct, frozen=True):
    """No parameters."""
