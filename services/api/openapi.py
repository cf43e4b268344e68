"""The OpenAPI document, made from the structs of parameters and responses."""

from collections.abc import Iterable
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, Final

import msgspec
from msgspec import Struct

from services.api.answers import STREAMED, UNIONS, schema_ref
from services.api.auth.access import ACT_AS, OPERATE, Access
from services.api.operation import Json, Operation
from services.api.problems import PROBLEM_JSON, Problem
from services.api.signal_answers import SignalItem

_SCHEMA_REF: Final = "#/components/schemas/{name}"
_COMMON_PROBLEMS: Final = (HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE)
_ACCESS_PROBLEMS: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_PROBLEMS: Final = {
    HTTPStatus.BAD_REQUEST: "a parameter is invalid; `field` names it",
    HTTPStatus.UNAUTHORIZED: "the token is missing or invalid, while authentication is configured",
    HTTPStatus.FORBIDDEN: f"the token lacks the scope `{ACT_AS}` (for another user) or `{OPERATE}`",
    HTTPStatus.NOT_FOUND: "does not exist or is hidden from the viewer; the answer is the same",
    HTTPStatus.TOO_MANY_REQUESTS: (
        "the viewer, or the address of one without a token, sends more requests or has more open "
        "streams than they may"
    ),
    HTTPStatus.INTERNAL_SERVER_ERROR: "an internal error; the server log has the details",
    HTTPStatus.SERVICE_UNAVAILABLE: (
        "a store or the token issuer did not answer, or the server is at capacity; try again later"
    ),
}
_RESPONSE_HEADERS: Final[dict[str, Json]] = {
    "ETag": {
        "description": "tag of exactly this answer",
        "schema": {"type": "string"},
    },
    "Link": {
        "description": "links to the pages with rel `next` (older) and `prev` (newer), RFC 8288",
        "schema": {"type": "string"},
    },
    "Retry-After": {
        "description": "seconds to wait before the next request",
        "schema": {"type": "integer", "minimum": 0},
    },
    "WWW-Authenticate": {
        "description": "`Bearer` and what is wrong with the token, RFC 6750",
        "schema": {"type": "string"},
    },
}
_REQUEST_HEADERS: Final[dict[str, Json]] = {
    "If-None-Match": {
        "description": "`ETag` of an earlier answer; 304 says that it is still the same",
        "schema": {"type": "string"},
    },
    "Last-Event-ID": {
        "description": "id of the last received event; the stream continues after it",
        "schema": {"type": "string", "minLength": 1},
    },
}
_BEARER: Final = "bearer"
_PROBLEM_HEADERS: Final = {
    HTTPStatus.UNAUTHORIZED: "WWW-Authenticate",
    HTTPStatus.FORBIDDEN: "WWW-Authenticate",
    HTTPStatus.TOO_MANY_REQUESTS: "Retry-After",
    HTTPStatus.SERVICE_UNAVAILABLE: "Retry-After",
}
_PROCESS: Final = "process"
_TAGS: Final = {
    "users": "what a user reads, and how they stand to others",
    "posts": "a post, its thread and its quotes",
    "lists": "timelines of lists",
    "tags": "public posts by tags",
    "search": "public posts by words",
    _PROCESS: "this process and this document",
}
"""What operations are about, by the first name in their paths."""
_ABOUT: Final = """\
HEAD is answered wherever GET is. Every answer has an `X-Request-Id`, the client's own if it sent
one (up to 64 letters, digits, `.`, `_` and `-`), which is in the server's log. A request's head has
10 seconds to arrive, 100 headers of 16 KiB together and a request line of 8 KiB.
"""


def document(operations: Iterable[Operation], *, authenticated: bool) -> Json:
    """Return the OpenAPI 3.1 document; unless authenticated, tokens are optional."""
    described = list(operations)
    structs: set[type[Struct]] = {Problem, SignalItem, *UNIONS, *STREAMED}
    structs.update(each.response for each in described if each.response is not None)
    ordered = sorted(structs, key=lambda each: each.__name__)
    _, schemas = msgspec.json.schema_components(ordered, ref_template=_SCHEMA_REF)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Mingle",
            "version": version("mingle"),
            "summary": "Home timelines and conversation threads.",
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": about} for name, about in _TAGS.items()],
        "paths": {
            each.path: {"get": _operation(each) | {"security": _security(each, authenticated)}}
            for each in described
        },
        "components": {
            "schemas": _with_types(schemas),
            "headers": _RESPONSE_HEADERS,
            "responses": {_name(status): _problem_schema(status) for status in _PROBLEMS},
            "securitySchemes": {
                _BEARER: {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "JWT whose subject is the viewer; scopes in `scope` or `scp`",
                }
            },
        },
    }


def _operation(operation: Operation) -> Json:
    if operation.tagged:
        operation = operation._replace(
            request_headers=(*operation.request_headers, "If-None-Match"),
            response_headers=(*operation.response_headers, "ETag"),
        )
    parameters = [*_parameters(operation), *map(_header, operation.request_headers)]
    statuses = {*operation.problems, *_COMMON_PROBLEMS}
    if parameters:
        statuses.add(HTTPStatus.BAD_REQUEST)
    if operation.access != Access.OPEN:
        statuses.update((*_ACCESS_PROBLEMS, HTTPStatus.TOO_MANY_REQUESTS))
    problems = {
        str(int(each)): {"$ref": f"#/components/responses/{_name(each)}"}
        for each in sorted(statuses)
    }
    description = {"description": operation.description} if operation.description else {}
    return {
        "operationId": operation.id,
        "tags": [_tag(operation.path)],
        "summary": operation.summary,
        **description,
        "parameters": parameters,
        "responses": {"200": _success(operation), **_unchanged(operation), **problems},
    }


def _tag(path: str) -> str:
    _, api, *names = path.split("/")
    return names[0] if api == "v1" else _PROCESS


def _security(operation: Operation, authenticated: bool) -> list[Json]:
    """Return the alternatives; the empty one needs no token.

    A ticket is a parameter and no scheme: clients would send their token in its place, in a URL.
    """
    scopes = [OPERATE] if operation.access == Access.OPERATOR else []
    match operation.access:
        case Access.OPEN:
            return []
        case Access.OWNER | Access.TICKET | Access.OPERATOR if authenticated:
            return [{_BEARER: scopes}]
    return [{}, {_BEARER: scopes}]


def _parameters(operation: Operation) -> list[Json]:
    _, schemas = msgspec.json.schema_components([operation.query], ref_template=_SCHEMA_REF)
    fields = _with_types(schemas)[operation.query.__name__]["properties"]
    return [_parameter(name, schema, operation.path) for name, schema in fields.items()]


def _parameter(name: str, schema: Json, path: str) -> Json:
    """Return the parameter of a query field; one that may be null is optional."""
    required = f"{{{name}}}" in path
    if "anyOf" in schema:
        schema = next(each for each in schema["anyOf"] if each.get("type") != "null")
    described = {
        "name": name,
        "in": "path" if required else "query",
        "required": required,
        "description": schema.pop("description"),
    }
    for example in schema.pop("examples", ()):
        described["example"] = example
    return {**described, "schema": schema}


def _header(name: str) -> Json:
    return {"name": name, "in": "header", "required": False, **_REQUEST_HEADERS[name]}


def _success(operation: Operation) -> Json:
    schema: Json = {"type": "string"}
    if operation.schema is not None:
        schema = dict(operation.schema)
    elif operation.response is not None:
        schema = schema_ref(operation.response.__name__)
    elif operation.media_type.endswith("json"):
        schema = {"type": "object"}
    content = {"schema": schema, "example": msgspec.to_builtins(operation.example)}
    success: Json = {"description": "Success", "content": {operation.media_type: content}}
    if operation.response_headers:
        success["headers"] = _header_refs(operation.response_headers)
    return success


def _unchanged(operation: Operation) -> Json:
    if not operation.tagged:
        return {}
    return {"304": {"description": "Not changed since", "headers": _header_refs(["ETag"])}}


def _problem_schema(status: HTTPStatus) -> Json:
    detail = _PROBLEMS[status]
    field = "limit" if status == HTTPStatus.BAD_REQUEST else msgspec.UNSET
    example = Problem(status.phrase, status, detail, field=field)
    content = {"schema": schema_ref("Problem"), "example": msgspec.to_builtins(example)}
    described: Json = {"description": detail, "content": {PROBLEM_JSON: content}}
    if status in _PROBLEM_HEADERS:
        described["headers"] = _header_refs([_PROBLEM_HEADERS[status]])
    return described


def _with_types(schema: Any) -> Any:
    """Return the schema with a type beside each enumeration, which client generators need."""
    if isinstance(schema, list):
        return [_with_types(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    typed = {name: _with_types(value) for name, value in schema.items()}
    return {"type": "string", **typed} if isinstance(typed.get("enum"), list) else typed


def _name(status: HTTPStatus) -> str:
    return status.phrase.replace(" ", "")


def _header_refs(names: Iterable[str]) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
