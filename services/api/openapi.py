"""The OpenAPI document, made of the structs that read the parameters and are the answers."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct

from services.api import problems
from services.api.answers import Placeholder, ThreadItem
from services.api.operation import Operation
from services.api.problems import Problem

Json: TypeAlias = dict[str, Any]

_REF: Final = "#/components/schemas/{name}"
_EVERYWHERE: Final = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_PROBLEMS: Final = {
    HTTPStatus.BAD_REQUEST: "a parameter that the API does not take; `field` names it",
    HTTPStatus.UNAUTHORIZED: "no token, or none that is valid; not while none is configured",
    HTTPStatus.FORBIDDEN: "the token is not this viewer's, and has no scope to act as him",
    HTTPStatus.NOT_FOUND: "does not exist, or may not be seen: nothing tells the two apart",
    HTTPStatus.INTERNAL_SERVER_ERROR: "a bug; it is in the log",
    HTTPStatus.SERVICE_UNAVAILABLE: "a store did not answer; the same may succeed later",
}
_HEADERS: Final[dict[str, Json]] = {
    "Link": {
        "description": "RFC 8288: the pages with rel `next` (older) and `prev` (newer)",
        "schema": {"type": "string"},
    },
    "Retry-After": {
        "description": "seconds after which asking again makes sense",
        "schema": {"type": "integer", "minimum": 0},
    },
}


def document(operations: Iterable[Operation]) -> Json:
    """The OpenAPI 3.1 document of these operations."""
    described = list(operations)
    structs: set[type[Struct]] = {Problem, ThreadItem, Placeholder}
    structs.update(each.answers for each in described if each.answers is not None)
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
        "security": [{}, {"bearer": []}],
        "paths": {each.path: {"get": _operation(each)} for each in described},
        "components": {
            "schemas": _typed(schemas),
            "headers": _HEADERS,
            "responses": {_name(status): _problem(status) for status in _PROBLEMS},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
    }


def _operation(operation: Operation) -> Json:
    parameters = _parameters(operation)
    refused = (HTTPStatus.BAD_REQUEST,) if parameters else ()
    known = sorted({*refused, *operation.problems, *_EVERYWHERE})
    answers = {str(int(each)): _ref("responses", _name(each)) for each in known}
    return {
        "operationId": operation.id,
        "summary": operation.summary,
        "parameters": parameters,
        "responses": {"200": _success(operation), **answers},
    }


def _parameters(operation: Operation) -> list[Json]:
    _, schemas = msgspec.json.schema_components([operation.asks], ref_template=_REF)
    fields = _typed(schemas)[operation.asks.__name__]["properties"]
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


def _success(operation: Operation) -> Json:
    schema: Json = {"type": "string"}
    if operation.answers is not None:
        schema = _ref("schemas", operation.answers.__name__)
    elif operation.media_type.endswith("json"):
        schema = {"type": "object"}
    content = {"schema": schema, "example": msgspec.to_builtins(operation.example)}
    success: Json = {"description": "Success", "content": {operation.media_type: content}}
    if operation.headers:
        success["headers"] = {name: _ref("headers", name) for name in operation.headers}
    return success


def _problem(status: HTTPStatus) -> Json:
    detail = _PROBLEMS[status]
    field = "limit" if status == HTTPStatus.BAD_REQUEST else msgspec.UNSET
    example = Problem(status.phrase, status, detail, field=field)
    content = {"schema": _ref("schemas", "Problem"), "example": msgspec.to_builtins(example)}
    described: Json = {"description": detail, "content": {problems.MEDIA_TYPE: content}}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        described["headers"] = {"Retry-After": _ref("headers", "Retry-After")}
    return described


def _typed(schema: Any) -> Any:
    """The schema with a type beside each enumeration, which generators of clients look for."""
    if isinstance(schema, list):
        return [_typed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    typed = {name: _typed(value) for name, value in schema.items()}
    return {"type": "string", **typed} if isinstance(typed.get("enum"), list) else typed


def _name(status: HTTPStatus) -> str:
    return status.phrase.replace(" ", "")


def _ref(kind: str, name: str) -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}
