"""The JSON of listings of what speaks to a viewer."""

from msgspec.structs import asdict

from services.api.answers import Item, Listing, item
from services.readers.item import Item as Shown
from services.visibility.view import Why


class MentionItem(Item, frozen=True):
    """A post that speaks to the viewer, and how.

    It mentions them, replies to them or quotes them, or a post of theirs is among the four nearest
    above it (`line`).
    """

    why: Why


class MentionListing(Listing, frozen=True):
    """A page of posts that speak to the viewer."""

    items: list[MentionItem]  # type: ignore[assignment]  # these are never ids alone


def mention(post: Shown) -> MentionItem:
    """Return the item of a post that speaks to the viewer, to answer with."""
    assert post.why is not None
    return MentionItem(**asdict(item(post)), why=post.why)
