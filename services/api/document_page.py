"""The OpenAPI document as a page for people: plain HTML, without scripts or other servers."""

from collections.abc import Iterable, Iterator
from html import escape
from typing import Final

from services.api.operation import Json

_STYLE: Final = """\
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;margin:.5rem 0}td,th{border:1px solid #8886;padding:.2rem .6rem;
text-align:left;vertical-align:top}code{font-size:.9em}h2{margin-top:2.5rem}
@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}a{color:#8bf}}"""


def render_document(document: Json) -> str:
    """Return the page of a document that `services.api.openapi` made."""
    info, components = document["info"], document["components"]
    parts = [
        '<!doctype html><html lang="en"><meta charset="utf-8">',
        f"<title>{_text(info['title'])}</title><style>{_STYLE}</style>",
        f"<h1>{_text(info['title'])}</h1>",
        f"<p>{_text(info['summary'])}</p><p>{_text(info['description'])}</p>",
        '<p>As OpenAPI: <a href="/openapi.json">/openapi.json</a></p>',
    ]
    for path, methods in document["paths"].items():
        parts += _operation(path, methods["get"], components["responses"])
    parts.append("<h1>Types</h1>")
    for name, schema in components["schemas"].items():
        parts += _type(name, schema)
    return "\n".join(parts) + "\n</html>\n"


def _operation(path: str, operation: Json, problems: Json) -> Iterator[str]:
    yield f'<h2 id="{_text(operation["operationId"])}">GET <code>{_text(path)}</code></h2>'
    yield f"<p>{_text(operation['summary'])}.</p><p>{_text(operation.get('description', ''))}</p>"
    if operation["parameters"]:
        yield _table(
            (f"<code>{_text(each['name'])}</code>", _place(each), _text(each["description"]))
            for each in operation["parameters"]
        )
    yield _table(_answers(operation["responses"], problems))


def _place(parameter: Json) -> str:
    required = ", required" if parameter["required"] else ""
    return f"{_text(parameter['in'])}{required}, {_shape(parameter['schema'])}"


def _answers(responses: Json, problems: Json) -> Iterator[tuple[str, ...]]:
    for status, given in responses.items():
        response = problems[_last(given["$ref"])] if "$ref" in given else given
        shapes = [_shape(each["schema"]) for each in response.get("content", {}).values()]
        yield _text(status), _text(response["description"]), "; ".join(shapes)


def _type(name: str, schema: Json) -> Iterator[str]:
    yield f'<h2 id="{_text(name)}">{_text(name)}</h2><p>{_text(schema.get("description", ""))}</p>'
    if "properties" not in schema:
        yield f"<p>{_shape(schema)}</p>"
        return
    yield _table(
        (f"<code>{_text(field)}</code>", _shape(each), _text(each.get("description", "")))
        for field, each in schema["properties"].items()
    )


def _shape(schema: Json) -> str:
    """Return a schema in a few words, with links to the types it names."""
    if "$ref" in schema:
        name = _text(_last(schema["$ref"]))
        return f'<a href="#{name}">{name}</a>'
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(dict.fromkeys(map(_shape, schema[several])))
    if "enum" in schema:
        return " or ".join(f"<code>{_text(str(each))}</code>" for each in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_shape(schema.get('items', {}))}"
    bounds = [
        f"{word} {schema[key]}"
        for key, word in (("minimum", "from"), ("maximum", "to"), ("maxLength", "up to"))
        if key in schema
    ]
    return _text(" ".join([str(schema.get("type", "any")), *bounds]))


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    lines = ("".join(f"<td>{cell}</td>" for cell in row) for row in rows)
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _last(reference: str) -> str:
    return reference.rpartition("/")[2]


def _text(text: str) -> str:
    return escape(text)
