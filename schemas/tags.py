"""Tags as they are compared."""


def normal_tag(tag: str) -> str:
    """The form that equal tags share: neither case nor one `#` before them matters."""
    return tag.removeprefix("#").casefold()
