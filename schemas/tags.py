"""Comparison of tags."""

from schemas.normal_text import normal_text


def normal_tag(tag: str) -> str:
    """Return the form that equal tags share: case and one leading `#` do not matter."""
    return normal_text(tag).removeprefix("#")
