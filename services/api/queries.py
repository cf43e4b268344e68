"""The parameters of each endpoint, with their bounds and descriptions."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from litestar import Request
from msgspec import Meta, Struct

from schemas.ids import MAX_ID
from services.api.problems import BadParameter
from services.readers.paging import DEFAULT_LIMIT, MAX_LIMIT
from services.readers.search import MAX_WORDS
from services.readers.thread_order import MAX_BRANCHES, MAX_DEPTH, ThreadSort

IdParameter = Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,18}$")]
PathId = Annotated[IdParameter, Meta(examples=["4398046511104000001"])]
Viewer = Annotated[
    IdParameter,
    Meta(
        description="user who reads; by default the token's subject, else nobody: public posts only"
    ),
]
Cursor = Annotated[str, Meta(min_length=1, description="a cursor of the same listing and viewer")]
MAX_TAGS = 10
"""Tags in one parameter."""
MAX_QUERY = 1_000  # code points
TagList = Annotated[
    str,
    Meta(
        pattern=rf"^[^,]+(,[^,]+){{0,{MAX_TAGS - 1}}}$",
        description="comma-separated tags",
        examples=["rye,salt"],
    ),
]
RelationKind = Literal["follows", "followers", "blocks", "mutes", "lists", "tags", "keyword_mutes"]
TimeParameter = Annotated[datetime, Meta(tz=True)]
_ID = re.compile(r"[1-9][0-9]{0,18}")
_INTEGER = re.compile(r"-?[0-9]+")  # else 1e1 and 5.0 would be accepted
_YEAR = re.compile(r"[0-9]{4}-")  # else seconds since the epoch would be accepted
_IDS = frozenset(
    {"user_id", "post_id", "viewer", "wait_for", "list_id", "other_id", "author", "conversation"}
)
_LARGEST = str(MAX_ID)
_NOT_AN_ID = f"not a decimal id from 1 to {_LARGEST}"
_ERROR_AT_FIELD = re.compile(r"(?P<why>.*) - at `\$\.(?P<field>\w+)`\Z", re.DOTALL)


class PageQuery(Struct, frozen=True, kw_only=True):
    limit: Annotated[int, Meta(ge=1, le=MAX_LIMIT, description="maximum number of items")] = (
        DEFAULT_LIMIT
    )
    before: (
        Annotated[Cursor, Meta(description="`next` of a page: returns the older items")] | None
    ) = None
    after: (
        Annotated[
            Cursor,
            Meta(
                description="`prev` of a page: returns the next newer items; excludes other cursors"
            ),
        ]
        | None
    ) = None
    newer_than: (
        Annotated[
            Cursor, Meta(description="`prev` of a page: returns the newest items down to that page")
        ]
        | None
    ) = None


class HomeQuery(PageQuery, frozen=True, kw_only=True):
    user_id: Annotated[PathId, Meta(description="the owner of the home timeline")]
    view: Annotated[Literal["latest"], Meta(description="the order: newest first")] = "latest"
    hydrate: Annotated[
        bool, Meta(description="whether to return full items; if false, only post ids")
    ] = True
    wait_for: (
        Annotated[
            IdParameter,
            Meta(description="a post to wait for, up to 2 s, until it is in the timeline"),
        ]
        | None
    ) = None


class StreamQuery(Struct, frozen=True, kw_only=True):
    user_id: Annotated[PathId, Meta(description="the owner of the home timeline")]
    limit: Annotated[
        int,
        Meta(ge=1, le=MAX_LIMIT, description="number of newest items that the stream reports on"),
    ] = DEFAULT_LIMIT
    view: Annotated[Literal["latest"], Meta(description="the order: newest first")] = "latest"
    hydrate: Annotated[
        bool, Meta(description="whether to return full items; if false, only post ids")
    ] = True


class AuthorQuery(PageQuery, frozen=True, kw_only=True):
    user_id: Annotated[PathId, Meta(description="the author")]
    viewer: Viewer | None = None


class PostQuery(Struct, frozen=True, kw_only=True):
    post_id: Annotated[PathId, Meta(description="the post")]
    viewer: Viewer | None = None


class ThreadQuery(PostQuery, frozen=True, kw_only=True):
    sort: Annotated[ThreadSort, Meta(description="the order of replies to the same post")] = (
        "conversation"
    )
    depth: Annotated[int, Meta(ge=0, le=MAX_DEPTH, description="levels of replies")] = MAX_DEPTH
    branches: Annotated[
        int, Meta(ge=1, le=MAX_BRANCHES, description="replies to each post below the first level")
    ] = MAX_BRANCHES


class ExplainQuery(Struct, frozen=True, kw_only=True):
    user_id: Annotated[PathId, Meta(description="the owner of the home timeline")]
    post_id: Annotated[PathId, Meta(description="the post to explain")]


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
    any: (
        Annotated[
            TagList,
            Meta(description=f"further tags, any of which also matches; at most {MAX_TAGS}"),
        ]
        | None
    ) = None
    all: (
        Annotated[TagList, Meta(description=f"tags that posts must all have; at most {MAX_TAGS}")]
        | None
    ) = None
    none: (
        Annotated[TagList, Meta(description=f"tags that posts must not have; at most {MAX_TAGS}")]
        | None
    ) = None
    viewer: Viewer | None = None


class SearchQuery(PageQuery, frozen=True, kw_only=True):
    q: (
        Annotated[
            str,
            Meta(
                max_length=MAX_QUERY,
                description=f"up to {MAX_WORDS} words that posts must all contain, in any case; "
                "optional if another criterion is given",
            ),
        ]
        | None
    ) = None
    author: Annotated[IdParameter, Meta(description="the author of the posts")] | None = None
    tag: Annotated[str, Meta(min_length=1, description="a tag that the posts have")] | None = None
    since: Annotated[TimeParameter, Meta(description="earliest time (RFC 3339)")] | None = None
    until: (
        Annotated[TimeParameter, Meta(description="end of the time range, exclusive (RFC 3339)")]
        | None
    ) = None
    conversation: (
        Annotated[IdParameter, Meta(description="the root post of a conversation")] | None
    ) = None
    viewer: Viewer | None = None


class RelationsQuery(Struct, frozen=True, kw_only=True):
    user_id: Annotated[PathId, Meta(description="the user")]
    kind: Annotated[RelationKind, Meta(description="the kind of relation")] = "follows"
    limit: Annotated[int, Meta(ge=1, le=MAX_LIMIT, description="maximum number of items")] = (
        DEFAULT_LIMIT
    )
    before: (
        Annotated[str, Meta(min_length=1, description="`next` of a page of the same kind")] | None
    ) = None


class RelationQuery(Struct, frozen=True, kw_only=True):
    user_id: Annotated[PathId, Meta(description="the user")]
    other_id: Annotated[PathId, Meta(description="the other user")]


class NoQuery(Struct, frozen=True):
    """No parameters."""


Q = TypeVar("Q", bound=Struct)


def read_query(request: Request[Any, Any, Any], query: type[Q]) -> Q:
    """Return the parameters of a request, each given at most once. Raises BadParameter.

    Unknown parameters are ignored, as unknown fields of messages are: proxies add their own, and
    newer clients call older servers.
    """
    given = dict(request.path_params)
    for name, value in request.query_params.multi_items():
        if name not in query.__struct_fields__:
            continue
        if name in given:
            raise BadParameter(name, "given more than once")
        given[name] = value
    try:
        found = msgspec.convert(given, query, strict=False)
    except msgspec.ValidationError as error:
        raise _bad_parameter(str(error)) from None
    for name, text in given.items():
        if name in _IDS and not is_id(text):
            raise BadParameter(name, _NOT_AN_ID)
        if type(getattr(found, name)) is int and not _INTEGER.fullmatch(text):
            raise BadParameter(name, "not an integer")
        if isinstance(getattr(found, name), datetime) and not _YEAR.match(text):
            raise BadParameter(name, "not an RFC 3339 time")
    return found


def is_id(text: str) -> bool:
    """Return whether a text is an id in canonical form."""
    if not _ID.fullmatch(text):
        return False
    return len(text) < len(_LARGEST) or text <= _LARGEST


def _bad_parameter(error: str) -> BadParameter:
    found = _ERROR_AT_FIELD.fullmatch(error)
    if found is None:
        return BadParameter("query", "invalid")
    if found["field"] in _IDS:
        return BadParameter(found["field"], _NOT_AN_ID)
    if found["why"].startswith("Invalid enum value"):
        return BadParameter(found["field"], "not one of the allowed values")
    return BadParameter(found["field"], found["why"])
