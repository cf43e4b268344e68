"""What readers return: plain values, ids as integers, times in milliseconds."""

from typing import Literal

import msgspec

from schemas.events import Visibility
from schemas.ids import PostId, UserId, post_time
from schemas.relations import Context
from services.posts.ancestry import root_of
from services.posts.post import Post
from services.visibility.view import ReasonKind, View
from services.visibility.words import matching_keyword_mute

Placeholder = Literal["deleted", "blocked", "muted", "missing"]


class Repost(msgspec.Struct, frozen=True):
    """The users who reposted, the earliest first, and the original."""

    by: tuple[UserId, ...]
    original: PostId


class Reason(msgspec.Struct, frozen=True):
    """Why an item is in this listing, and through whom."""

    kind: ReasonKind
    by: UserId


class Item(msgspec.Struct, frozen=True):
    """A post as it is shown. A repost has its own `post_id`; the rest is the original's."""

    post_id: PostId
    author_id: UserId
    created_at: int
    text: str
    lang: str | None
    visibility: Visibility
    parent_id: PostId | None
    root_id: PostId | None
    repost: Repost | None
    edited: bool
    reason: Reason | None = None
    warn: str | None = None


class ThreadItem(msgspec.Struct, frozen=True):
    """A post's place in a thread; `item` is None for a placeholder."""

    post_id: PostId
    depth: int
    item: Item | None = None
    placeholder: Placeholder | None = None
    truncated: int = 0
    hidden: int = 0


def present_item(  # noqa: PLR0913 - what an item is made of
    post: Post,
    view: View,
    epoch: int,
    *,
    kind: ReasonKind | None = None,
    context: Context | None = None,
    reposters: tuple[UserId, ...] = (),
) -> Item:
    """Return the item of a post that the predicate shows.

    `kind` is why it is in a listing of the viewer's. Keyword mutes for `context` may warn of it.
    `reposters` are named on it; a repost names at least its author.
    """
    shown = view.original(post) or post
    by = reposters or (() if shown is post else (post.author_id,))
    warned = None if context is None else matching_keyword_mute(shown, view, context, "warn")
    return Item(
        post_id=post.post_id,
        author_id=shown.author_id,
        created_at=post_time(shown.post_id, epoch),
        text=shown.text,
        lang=shown.lang,
        visibility=shown.visibility,
        parent_id=shown.parent_id,
        root_id=root_of(shown, view.known),
        repost=Repost(by, shown.post_id) if by else None,
        edited=shown.edited,
        reason=None if kind is None else Reason(kind, post.author_id),
        warn=None if warned is None else warned.phrase,
    )
