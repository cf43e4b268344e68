"""The examples of the document: a post by 42 that 7, who follows 42, reads at home."""

from typing import Final

import msgspec
from msgspec.structs import replace

from schemas.ids import DEFAULT_EPOCH, UserId, post_id, post_time
from services.api import answers
from services.api import page_position as walk
from services.api.cursors import Cursors
from services.readers.item import Item, Reason, ThreadItem

_WRITTEN: Final = post_id(1_783_314_243_000, 0)
_ANSWER: Final = post_id(1_783_314_363_000, 0)
_AUTHOR: Final = UserId(42)
_CURSOR: Final = Cursors(("an example",)).seal("home/7", walk.bare_position(_WRITTEN))

_POST: Final = Item(
    post_id=_WRITTEN,
    author_id=_AUTHOR,
    created_at=post_time(_WRITTEN, DEFAULT_EPOCH),
    text="The bakery opens at six.",
    lang="en",
    visibility="public",
    parent_id=None,
    root_id=_WRITTEN,
    repost=None,
    edited=False,
)
_PLACES: Final = (
    ThreadItem(_WRITTEN, depth=0, item=_POST),
    ThreadItem(_ANSWER, depth=1, placeholder="deleted"),
)

POST: Final = answers.item(_POST)
LISTING: Final = answers.Listing(
    items=[answers.item(replace(_POST, reason=Reason("follow", _AUTHOR)))],
    next=_CURSOR,
    prev=_CURSOR,
    gap=None,
    state="ready",
)
TAGGED: Final = replace(
    LISTING, items=[answers.item(replace(_POST, reason=Reason("tag", _AUTHOR)))]
)
FOUND: Final = replace(LISTING, items=[POST])
EVENT: Final = {
    "event": "entry",
    "data": msgspec.json.encode(LISTING.items[0]).decode(),
    "id": _CURSOR,
}
THREAD: Final = answers.Thread([answers.thread_item(each) for each in _PLACES])
PERSON: Final = answers.Person(
    user_id="42",
    follow=answers.Follow(1_783_314_000_000_000, "followed", True, None, ["en"]),
    followed_by=True,
    blocked=False,
    mute=None,
    lists=["7"],
)
RELATIONS: Final = answers.Relations([PERSON], next=None)
EXPLANATION: Final = answers.Explanation(
    shown=True, rule=2, reason="followed", path="pushed", stored=True
)
