"""Comparison of tags."""


def normal_tag(tag: str) -> str:
    """Return the form that equal tags share: case and one leading `#` do not matter."""
    return tag.removeprefix("#").casefold()
