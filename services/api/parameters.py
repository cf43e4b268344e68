"""Reads the parameters of a request as an endpoint's query describes them."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import unquote

import msgspec
from litestar import Request
from msgspec import Struct
from msgspec.inspect import BoolType, LiteralType, Metadata, Type, UnionType, type_info

from schemas.ids import MAX_ID
from services.api.problems import BadParameter

MAX_SHOWN_NAME = 40  # characters of an unknown parameter's name that an answer repeats
_ID = re.compile(r"[1-9][0-9]{0,18}")
_INTEGER = re.compile(r"-?[0-9]+")  # else 1e1 and 5.0 would be accepted
_YEAR = re.compile(r"[0-9]{4}-")  # else seconds since the epoch would be accepted
_IDS = frozenset(
    {"user_id", "post_id", "viewer", "wait_for", "list_id", "other_id", "author", "conversation"}
)
_TIMES = frozenset({"since", "until"})
_MICROSECONDS = re.compile(r"[0-9]{15,17}")  # seconds and milliseconds have fewer digits
_UNIX = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST = str(MAX_ID)
_NOT_AN_ID = f"not a decimal id from 1 to {_LARGEST}"
_ERROR_AT_FIELD = re.compile(r"(?P<why>.*) - at `\$\.(?P<field>\w+)`\Z", re.DOTALL)

Q = TypeVar("Q", bound=Struct)


def read_query(request: Request[Any, Any, Any], path: str, query: type[Q]) -> Q:
    """Return the parameters of a request, each given at most once. Raises BadParameter.

    `path` is the template that the request's path matches. What takes no parameters at all, such
    as probes, ignores those that others add.
    """
    given = _from_path(request, path)
    if not query.__struct_fields__:
        return msgspec.convert({}, query)
    for name, value in request.query_params.multi_items():
        if name not in query.__struct_fields__:
            raise BadParameter(name[:MAX_SHOWN_NAME], "not a parameter here")
        if name in given:
            raise BadParameter(name, "given more than once")
        given[name] = _rfc3339(value) if name in _TIMES else value
    try:
        parsed = msgspec.convert(given, query, strict=False)
    except msgspec.ValidationError as error:
        raise _bad_parameter(query, str(error)) from None
    for name, text in given.items():
        value = getattr(parsed, name)
        if value is None:  # from the word null, where a parameter may be missing
            raise _bad_value(query, name, "null is not a value here")
        _check(name, text, value)
    return parsed


def _from_path(request: Request[Any, Any, Any], path: str) -> dict[str, str]:
    """Return the parameters in the path as the client sent it, where `%2F` divides nothing."""
    sent = [
        each for each in request.scope["raw_path"].decode("ascii", "replace").split("/") if each
    ]
    names = [each for each in path.split("/") if each]
    return {
        name[1:-1]: unquote(text)
        for name, text in zip(names, sent, strict=True)
        if name.startswith("{")
    }


def _check(name: str, text: str, value: object) -> None:
    """Raise BadParameter where the text is not how a value is written, although it was read."""
    if name in _IDS and not is_id(text):
        raise BadParameter(name, _NOT_AN_ID)
    if type(value) is int and not _INTEGER.fullmatch(text):
        raise BadParameter(name, "not an integer")
    if isinstance(value, datetime) and not _YEAR.match(text):
        raise BadParameter(name, "not an RFC 3339 time, nor microseconds since the Unix epoch")


def _rfc3339(text: str) -> str:
    """Return a time given in microseconds since the Unix epoch in its other form."""
    if not _MICROSECONDS.fullmatch(text):
        return text
    return (_UNIX + timedelta(microseconds=int(text))).isoformat()


def is_id(text: str) -> bool:
    """Return whether a text is an id in canonical form."""
    if not _ID.fullmatch(text):
        return False
    return len(text) < len(_LARGEST) or text <= _LARGEST


def _bad_parameter(query: type[Struct], error: str) -> BadParameter:
    match = _ERROR_AT_FIELD.fullmatch(error)
    if match is None:
        return BadParameter("query", "invalid")
    if match["field"] in _IDS:
        return BadParameter(match["field"], _NOT_AN_ID)
    return _bad_value(query, match["field"], match["why"])


def _bad_value(query: type[Struct], name: str, why: str) -> BadParameter:
    """Return what is wrong: the values that there are, where a parameter has only some."""
    allowed = _allowed_values(query).get(name)
    return BadParameter(name, f"not one of {allowed}" if allowed else why)


@lru_cache
def _allowed_values(query: type[Struct]) -> dict[str, str]:
    """Return the values of parameters that have only some, as an answer names them."""
    described: Any = type_info(query)
    named = ((each.encode_name, _values(each.type)) for each in described.fields)
    return {name: ", ".join(values) for name, values in named if values}


def _values(described: Type) -> Sequence[str]:
    match described:
        case Metadata(type=inner):
            return _values(inner)
        case UnionType(types=(inner, _)):  # the other is None
            return _values(inner)
        case LiteralType(values=values):
            return [str(each) for each in values]
        case BoolType():
            return ["true", "false"]
    return []
