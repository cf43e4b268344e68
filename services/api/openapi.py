"""The OpenAPI document, made of the structs that read the parameters and are the answers."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

import msgspec
from msgspec import Struct

from services.api import problems
from services.api.answers import STREAMED, UNIONS
from services.api.auth.access import ACT_AS, OPERATE, Access
from services.api.operation import Json, Operation
from services.api.problems import Problem

_REF: Final = "#/components/schemas/{name}"
_COMMON_PROBLEMS: Final = (HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE)
_ACCESS_PROBLEMS: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_PROBLEMS: Final = {
    HTTPStatus.BAD_REQUEST: "a parameter that the API does not take; `field` names it",
    HTTPStatus.UNAUTHORIZED: "no token, or none that is valid; not while none is configured",
    HTTPStatus.FORBIDDEN: f"the token lacks the scope `{ACT_AS}` for another, or `{OPERATE}`",
    HTTPStatus.NOT_FOUND: "does not exist, or may not be seen: nothing tells the two apart",
    HTTPStatus.INTERNAL_SERVER_ERROR: "a bug; it is in the log",
    HTTPStatus.SERVICE_UNAVAILABLE: (
        "a store, or the issuer of tokens, did not answer, or too much is asked for at once; "
        "the same may succeed later"
    ),
}
_RESPONSE_HEADERS: Final[dict[str, Json]] = {
    "Link": {
        "description": "RFC 8288: the pages with rel `next` (older) and `prev` (newer)",
        "schema": {"type": "string"},
    },
    "Retry-After": {
        "description": "seconds after which asking again makes sense",
        "schema": {"type": "integer", "minimum": 0},
    },
    "WWW-Authenticate": {
        "description": "RFC 6750: `Bearer`, and what is wrong with the token that came",
        "schema": {"type": "string"},
    },
}
_REQUEST_HEADERS: Final[dict[str, Json]] = {
    "Last-Event-ID": {
        "description": "the id of the last event that came: the stream goes on behind it",
        "schema": {"type": "string", "minLength": 1},
    },
}
_BEARER: Final = "bearer"
_PROBLEM_HEADERS: Final = {
    HTTPStatus.UNAUTHORIZED: "WWW-Authenticate",
    HTTPStatus.FORBIDDEN: "WWW-Authenticate",
    HTTPStatus.SERVICE_UNAVAILABLE: "Retry-After",
}


def document(operations: Iterable[Operation], *, authenticated: bool) -> Json:
    """The OpenAPI 3.1 document of these operations; unless authenticated, tokens are optional."""
    described = list(operations)
    structs: set[type[Struct]] = {Problem, *UNIONS, *STREAMED}
    structs.update(each.response for each in described if each.response is not None)
    ordered = sorted(structs, key=lambda each: each.__name__)
    _, schemas = msgspec.json.schema_components(ordered, ref_template=_REF)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Mingle",
            "version": "1.0.0",
            "summary": "Home timelines and conversation threads.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
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
                    "description": "a JWT whose subject is the viewer; scopes in `scope` or `scp`",
                }
            },
        },
    }


def _operation(operation: Operation) -> Json:
    parameters = [*_parameters(operation), *map(_header, operation.request_headers)]
    refused = (HTTPStatus.BAD_REQUEST,) if parameters else ()
    guarded = () if operation.access == Access.OPEN else _ACCESS_PROBLEMS
    known = sorted({*refused, *guarded, *operation.problems, *_COMMON_PROBLEMS})
    answers = {str(int(each)): _ref("responses", _name(each)) for each in known}
    description = {"description": operation.description} if operation.description else {}
    return {
        "operationId": operation.id,
        "summary": operation.summary,
        **description,
        "parameters": parameters,
        "responses": {"200": _success(operation), **answers},
    }


def _security(operation: Operation, authenticated: bool) -> list[Json]:
    """Any one of these; the empty one is nobody in particular."""
    scopes = [OPERATE] if operation.access == Access.OPERATOR else []
    match operation.access:
        case Access.OPEN:
            return []
        case Access.OWNER | Access.OPERATOR if authenticated:
            return [{_BEARER: scopes}]
    return [{}, {_BEARER: scopes}]


def _parameters(operation: Operation) -> list[Json]:
    _, schemas = msgspec.json.schema_components([operation.query], ref_template=_REF)
    fields = _with_types(schemas)[operation.query.__name__]["properties"]
    return [_parameter(name, schema, operation.path) for name, schema in fields.items()]


def _parameter(name: str, schema: Json, path: str) -> Json:
    """A field of a query as a parameter: one that may be null may be left out."""
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
        schema = _ref("schemas", operation.response.__name__)
    elif operation.media_type.endswith("json"):
        schema = {"type": "object"}
    content = {"schema": schema, "example": msgspec.to_builtins(operation.example)}
    success: Json = {"description": "Success", "content": {operation.media_type: content}}
    if operation.response_headers:
        success["headers"] = {name: _ref("headers", name) for name in operation.response_headers}
    return success


def _problem_schema(status: HTTPStatus) -> Json:
    detail = _PROBLEMS[status]
    field = "limit" if status == HTTPStatus.BAD_REQUEST else msgspec.UNSET
    example = Problem(status.phrase, status, detail, field=field)
    content = {"schema": _ref("schemas", "Problem"), "example": msgspec.to_builtins(example)}
    described: Json = {"description": detail, "content": {problems.PROBLEM_JSON: content}}
    if status in _PROBLEM_HEADERS:
        described["headers"] = {_PROBLEM_HEADERS[status]: _ref("headers", _PROBLEM_HEADERS[status])}
    return described


def _with_types(schema: Any) -> Any:
    """The schema with a type beside each enumeration, which generators of clients look for."""
    if isinstance(schema, list):
        return [_with_types(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    typed = {name: _with_types(value) for name, value in schema.items()}
    return {"type": "string", **typed} if isinstance(typed.get("enum"), list) else typed


def _name(status: HTTPStatus) -> str:
    return status.phrase.replace(" ", "")


def _ref(kind: str, name: str) -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}
