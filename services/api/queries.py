"""What each endpoint is asked: the parameters, their bounds and their words in the document."""

import re
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from litestar import Request
from msgspec import Meta, Struct

from schemas.ids import MAX_ID, UserId
from services.api.problems import BadParameter
from services.conversations.thread import MAX_BRANCHES, MAX_DEPTH, Sort
from services.listing import DEFAULT_LIMIT, MAX_LIMIT

IdText = Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,18}$")]
PathId = Annotated[IdText, Meta(examples=["4398046511104000001"])]
Viewer = Annotated[IdText, Meta(description="whose eyes see it; without one, public posts only")]
Cursor = Annotated[str, Meta(min_length=1, description="a cursor of this listing and viewer")]
_IDS = frozenset({"user_id", "post_id", "viewer", "wait_for"})
_LARGEST = str(MAX_ID)
_NO_ID = f"an id is a decimal number from 1 to {_LARGEST}"
_PLACE = re.compile(r"(?P<why>.*) - at `\$\.(?P<field>\w+)`\Z", re.DOTALL)


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
        Annotated[IdText, Meta(description="waits up to 2 s until this post has arrived")] | None
    ) = None


class AuthorQuery(PageQuery, frozen=True, kw_only=True):
    user_id: Annotated[PathId, Meta(description="the author")]
    viewer: Viewer | None = None


class PostQuery(Struct, frozen=True, kw_only=True):
    post_id: Annotated[PathId, Meta(description="the post")]
    viewer: Viewer | None = None


class ThreadQuery(PostQuery, frozen=True, kw_only=True):
    sort: Annotated[Sort, Meta(description="the order of the replies to one post")] = "conversation"
    depth: Annotated[int, Meta(ge=0, le=MAX_DEPTH, description="levels below the post")] = MAX_DEPTH
    branches: Annotated[
        int, Meta(ge=1, le=MAX_BRANCHES, description="replies of each post below the first level")
    ] = MAX_BRANCHES


class ExplainQuery(Struct, frozen=True, kw_only=True):
    user_id: Annotated[PathId, Meta(description="whose home timeline")]
    post_id: Annotated[PathId, Meta(description="the post in question")]


class NoQuery(Struct, frozen=True):
    """An endpoint without parameters."""


Q = TypeVar("Q", bound=Struct)


def read(request: Request[Any, Any, Any], query: type[Q]) -> Q:
    """What a request asks; parameters that no endpoint knows are ignored. Raises BadParameter."""
    given = dict(request.query_params.items()) | request.path_params
    try:
        asked = msgspec.convert(given, query, strict=False)
    except msgspec.ValidationError as error:
        raise _bad(str(error)) from None
    for name in _IDS.intersection(query.__struct_fields__):
        _check_id(name, getattr(asked, name))
    return asked


def viewer(text: str | None) -> UserId | None:
    """The viewer of a request; None for nobody in particular."""
    return None if text is None else UserId(int(text))


def _check_id(name: str, text: str | None) -> None:
    """The pattern does not stop ids above the largest, nor a line end after the last digit."""
    if text is None:
        return
    if not text.isdecimal() or (len(text) == len(_LARGEST) and text > _LARGEST):
        raise BadParameter(name, _NO_ID)


def _bad(error: str) -> BadParameter:
    found = _PLACE.fullmatch(error)
    if found is None:
        return BadParameter("query", "invalid")
    if found["field"] in _IDS:
        return BadParameter(found["field"], _NO_ID)
    if found["why"].startswith("Invalid enum value"):
        return BadParameter(found["field"], "not one of its values")
    return BadParameter(found["field"], found["why"])
