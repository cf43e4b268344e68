"""What readers give, in the model's words."""

from typing import Any

import msgspec

from services.readers.item import Item, ThreadItem


def shown(item: Item) -> dict[str, Any]:
    """An item; `created_at` follows from ids."""
    said: dict[str, Any] = msgspec.to_builtins(item)
    del said["created_at"]
    if item.quote is not None and item.quote.item is not None:
        said["quote"]["item"] = shown(item.quote.item)
    if said["why"] is None:
        del said["why"]
    if said["repost"] is not None:
        said["repost"]["by"] = list(said["repost"]["by"])
    return said


def placed(each: ThreadItem) -> dict[str, Any]:
    """A place in a thread."""
    place = {
        "post_id": each.post_id,
        "depth": each.depth,
        "truncated": each.truncated,
        "hidden": each.hidden,
        "placeholder": each.placeholder,
    }
    return place if each.item is None else shown(each.item) | place
