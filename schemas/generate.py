"""Writes `messages/*.schema.json`, a JSON Schema per message and version, from the structs.

`python -m schemas.generate` after a struct has changed; a test proves that the files are current.
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
"""Of every message so far; a new one gets files of its own beside the old ones."""


def schema_of(tag: str) -> Mapping[str, Any]:
    """The JSON Schema of a message type. Fields that are not named are kept out of the way."""
    (reference,), components = msgspec.json.schema_components([KINDS[tag].struct])
    name = reference["$ref"].rpartition("/")[2]
    schema = components.pop(name)
    said: dict[str, Any] = _as_travels(schema)
    return {"$schema": DIALECT, **said, "title": f"{tag}, version {VERSION}"}


def schema_path(tag: str) -> Path:
    """Where the schema of a message type stands."""
    return FOLDER / f"{tag}.v{VERSION}.schema.json"


def render_schema(schema: Mapping[str, Any]) -> str:
    """A schema as it stands in its file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _as_travels(said: Any) -> Any:
    """Ids may be strings too, which a struct of integers does not say."""
    if isinstance(said, list):
        return [_as_travels(each) for each in said]
    if not isinstance(said, dict):
        return said
    inner = {key: _as_travels(value) for key, value in said.items()}
    return inner | ({"type": ["integer", "string"]} if said.get("pattern") == ID_PATTERN else {})


if __name__ == "__main__":
    for each in KINDS:
        schema_path(each).write_text(render_schema(schema_of(each)))
