"""One post, as a viewer may read it."""

from schemas.ids import PostId, UserId
from services.readers.item import Item, present_item
from services.readers.reader import Reader
from services.visibility.predicate import judge_on_page


async def read_post(reader: Reader, post: PostId, viewer: UserId | None) -> Item | None:
    """Return the post's item; None where it is unknown, deleted or not for this viewer."""
    view = await reader.load_view(viewer, [post])
    known = view.known.get(post)
    if known is None or not judge_on_page(known, view).shown:
        return None
    return present_item(known, view, reader.epoch)
