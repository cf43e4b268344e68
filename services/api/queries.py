"""What each endpoint is asked: the parameters, their bounds and their words in the document."""

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
from services.readers.thread import MAX_BRANCHES, MAX_DEPTH, ThreadSort

IdParameter = Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,18}$")]
PathId = Annotated[IdParameter, Meta(examples=["4398046511104000001"])]
Viewer = Annotated[
    IdParameter,
    Meta(description="whose eyes see it, if not the token's subject; nobody sees public posts"),
]
Cursor = Annotated[str, Meta(min_length=1, description="a cursor of this listing and viewer")]
MAX_TAGS = 10
"""In one parameter."""
MAX_QUERY = 1_000  # code points
TagList = Annotated[
    str,
    Meta(
        pattern=rf"^[^,]+(,[^,]+){{0,{MAX_TAGS - 1}}}$",
        description="comma-separated",
        examples=["rye,salt"],
    ),
]
RelationKind = Literal["follows", "followers", "blocks", "mutes", "lists", "tags", "keyword_mutes"]
TimeParameter = Annotated[datetime, Meta(tz=True)]
_ID = re.compile(r"[1-9][0-9]{0,18}")
_INTEGER = re.compile(r"-?[0-9]+")  # 1e1 and 5.0 would be read as well
_YEAR = re.compile(r"[0-9]{4}-")  # seconds since the epoch would be read as well
_IDS = frozenset(
    {"user_id", "post_id", "viewer", "wait_for", "list_id", "other_id", "author", "conversation"}
)
_LARGEST = str(MAX_ID)
_NOT_AN_ID = f"an id is a decimal number from 1 to {_LARGEST}"
_ERROR_AT_FIELD = re.compile(r"(?P<why>.*) - at `\$\.(?P<field>\w+)`\Z", re.DOTALL)


class PageQuery(Struct, frozen=True, kw_only=True):
    limit: Annotated[int, Meta(ge=1, le=MAX_LIMIT, description="items at most")] = DEFAULT_LIMIT
    before: Annotated[Cursor, Meta(description="`next` of a page: what is older")] | None = None
    after: (
        Annotated[Cursor, Meta(description="`prev` of a page: what is next newer; stands alone")]
        | None
    ) = None
    newer_than: (
        Annotated[Cursor, Meta(description="`prev` of a page: the newest, down to there")] | None
    ) = None


class HomeQuery(PageQuery, frozen=True, kw_only=True):
    user_id: Annotated[PathId, Meta(description="whose home timeline")]
    view: Annotated[Literal["latest"], Meta(description="the order: newest first")] = "latest"
    hydrate: Annotated[bool, Meta(description="false: items are post ids only")] = True
    wait_for: (
        Annotated[IdParameter, Meta(description="waits up to 2 s until this post has arrived")]
        | None
    ) = None


class StreamQuery(Struct, frozen=True, kw_only=True):
    user_id: Annotated[PathId, Meta(description="whose home timeline")]
    limit: Annotated[
        int,
        Meta(ge=1, le=MAX_LIMIT, description="the newest items that are told of"),
    ] = DEFAULT_LIMIT
    view: Annotated[Literal["latest"], Meta(description="the order: newest first")] = "latest"
    hydrate: Annotated[bool, Meta(description="false: items are post ids only")] = True


class AuthorQuery(PageQuery, frozen=True, kw_only=True):
    user_id: Annotated[PathId, Meta(description="the author")]
    viewer: Viewer | None = None


class PostQuery(Struct, frozen=True, kw_only=True):
    post_id: Annotated[PathId, Meta(description="the post")]
    viewer: Viewer | None = None


class ThreadQuery(PostQuery, frozen=True, kw_only=True):
    sort: Annotated[ThreadSort, Meta(description="the order of the replies to one post")] = (
        "conversation"
    )
    depth: Annotated[int, Meta(ge=0, le=MAX_DEPTH, description="levels below the post")] = MAX_DEPTH
    branches: Annotated[
        int, Meta(ge=1, le=MAX_BRANCHES, description="replies of each post below the first level")
    ] = MAX_BRANCHES


class ExplainQuery(Struct, frozen=True, kw_only=True):
    user_id: Annotated[PathId, Meta(description="whose home timeline")]
    post_id: Annotated[PathId, Meta(description="the post in question")]


class ListQuery(PageQuery, frozen=True, kw_only=True):
    list_id: Annotated[PathId, Meta(description="the list")]
    viewer: (
        Annotated[IdParameter, Meta(description="its owner, if not the token's subject")] | None
    ) = None


class TagQuery(PageQuery, frozen=True, kw_only=True):
    tag: Annotated[
        str, Meta(min_length=1, description="the tag, with or without `#`", examples=["bread"])
    ]
    any: Annotated[TagList, Meta(description="or one of these, at most 10")] | None = None
    all: Annotated[TagList, Meta(description="and all of these, at most 10")] | None = None
    none: Annotated[TagList, Meta(description="and none of these, at most 10")] | None = None
    viewer: Viewer | None = None


class SearchQuery(PageQuery, frozen=True, kw_only=True):
    q: (
        Annotated[
            str,
            Meta(
                max_length=MAX_QUERY,
                description=f"words, all of them, case ignored, at most {MAX_WORDS}; "
                "may be left out where something else is asked for",
            ),
        ]
        | None
    ) = None
    author: Annotated[IdParameter, Meta(description="who wrote it")] | None = None
    tag: Annotated[str, Meta(min_length=1, description="a tag that it has")] | None = None
    since: Annotated[TimeParameter, Meta(description="from this time on (RFC 3339)")] | None = None
    until: Annotated[TimeParameter, Meta(description="before this time (RFC 3339)")] | None = None
    conversation: (
        Annotated[IdParameter, Meta(description="the root of its conversation")] | None
    ) = None
    viewer: Viewer | None = None


class RelationsQuery(Struct, frozen=True, kw_only=True):
    user_id: Annotated[PathId, Meta(description="whose relations")]
    kind: Annotated[RelationKind, Meta(description="which of them")] = "follows"
    limit: Annotated[int, Meta(ge=1, le=MAX_LIMIT, description="items at most")] = DEFAULT_LIMIT
    before: (
        Annotated[str, Meta(min_length=1, description="`next` of a page of the same kind")] | None
    ) = None


class RelationQuery(Struct, frozen=True, kw_only=True):
    user_id: Annotated[PathId, Meta(description="whose relations")]
    other_id: Annotated[PathId, Meta(description="the other")]


class NoQuery(Struct, frozen=True):
    """An endpoint without parameters."""


Q = TypeVar("Q", bound=Struct)


def read_query(request: Request[Any, Any, Any], query: type[Q]) -> Q:
    """What a request asks, each parameter once. Raises BadParameter.

    Parameters that are not known are kept out of the way, as unknown fields of messages are: what
    stands before us adds its own, and clients ask older servers what they will ask newer ones.
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
            raise BadParameter(name, "not an integer in digits")
        if isinstance(getattr(found, name), datetime) and not _YEAR.match(text):
            raise BadParameter(name, "not a time as RFC 3339 writes it")
    return found


def is_id(text: str) -> bool:
    """Whether a text is an id in its one spelling."""
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
        return BadParameter(found["field"], "not one of its values")
    return BadParameter(found["field"], found["why"])
