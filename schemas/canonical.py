"""Canonical JSON of field values; its bytes decide between equal versions.

It is RFC 8785 for the types that fields have (strings, booleans, null, arrays of strings, times as
whole numbers): no white space, the shortest escapes, UTF-8. Ids are decimal strings; sets hold each
element once, sorted by bytes; an absent value is written as its default.
"""

import json
from typing import Any, TypeAlias

import msgspec

Canonical: TypeAlias = bytes
NULL: Canonical = b"null"
EMPTY: Canonical = b"[]"

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

_DEFAULTS: dict[str, object] = {
    "text": "",
    "visibility": "public",
    "mentions": (),
    "tags": (),
    "links": (),
    "replies": "followed",
    "reposts": True,
    "languages": (),
    "scope": "all",
    "whole_word": True,
    "contexts": (),
    "action": "hide",
    "list_replies": "list",
    "exclusive": False,
    "everywhere": False,
}


def canonical(field: str, value: object) -> Canonical:
    """Return the bytes of a field's value; None stands for the field's default."""
    chosen = _DEFAULTS.get(field) if value is None else value
    if isinstance(chosen, tuple):
        return _dump(sorted({str(element) for element in chosen}, key=str.encode))
    return _dump(chosen)


def canonical_id(value: int | None) -> Canonical:
    """Return the bytes of an id, or of no id."""
    return NULL if value is None else b'"%d"' % value


def value_of(stored: Canonical) -> Any:
    """Return the value of canonical bytes: str, int, bool, None or list of str."""
    return msgspec.json.decode(stored)


def id_of(stored: Canonical) -> int | None:
    """Return the id of canonical bytes, or None."""
    return None if stored == NULL else int(stored[1:-1])


def _dump(value: object) -> Canonical:
    return _ENCODER.encode(value).encode()
