"""Writes `messages/*.schema.json`, a JSON Schema per message and version, from the structs.

Run `python -m schemas.generate` after changing a struct; a test compares the files.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from schemas.codec import KINDS
from schemas.events import ID_PATTERN

FOLDER = Path(__file__).parent / "messages"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
VERSION = 1
"""The version of every message so far. A new version gets its own files beside the old ones."""


def schema_of(tag: str) -> Mapping[str, Any]:
    """Return the JSON Schema of a message type. It admits unknown fields, which are ignored."""
    (reference,), components = msgspec.json.schema_components([KINDS[tag].struct])
    name = reference["$ref"].rpartition("/")[2]
    schema = components.pop(name)
    wire: dict[str, Any] = _wire_form(schema)
    return {"$schema": DIALECT, **wire, "title": f"{tag}, version {VERSION}"}


def schema_path(tag: str) -> Path:
    """Return the path of a message type's schema."""
    return FOLDER / f"{tag}.v{VERSION}.schema.json"


def render_schema(schema: Mapping[str, Any]) -> str:
    """Return the text of a schema's file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _wire_form(schema: Any) -> Any:
    """Let ids be strings too, which the struct does not say."""
    if isinstance(schema, list):
        return [_wire_form(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: _wire_form(value) for key, value in schema.items()}
    return inner | ({"type": ["integer", "string"]} if schema.get("pattern") == ID_PATTERN else {})


if __name__ == "__main__":
    for each in KINDS:
        schema_path(each).write_text(render_schema(schema_of(each)))
