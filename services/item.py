"""What readers are given: plain values, ids as integers, times in milliseconds."""

from typing import Literal

import msgspec

from schemas.events import Visibility
from schemas.ids import PostId, UserId, post_time
from services.conversations.lineage import original_of, root_of
from services.posts.post import Post
from services.visibility.predicate import View

Placeholder = Literal["deleted", "blocked", "muted", "missing"]
ReasonKind = Literal["follow", "self", "repost", "list", "tag", "mention"]


class Repost(msgspec.Struct, frozen=True):
    """Who reposted, the earliest first, and what."""

    by: tuple[UserId, ...]
    original: PostId


class Reason(msgspec.Struct, frozen=True):
    """Why an item is in this listing, and through whom."""

    kind: ReasonKind
    by: UserId


class Item(msgspec.Struct, frozen=True):
    """A post as it is shown: `post_id` of a repost is its own, all else is the original's."""

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


def present(post: Post, view: View, epoch: int, *, why: bool = False) -> Item:
    """The item of a post that the predicate shows; with `why`, the reason it is in a home."""
    shown = original_of(post, view.known) or post
    repost = None
    if post.repost_of is not None:
        repost = Repost((post.author_id,), shown.post_id)
    return Item(
        post_id=post.post_id,
        author_id=shown.author_id,
        created_at=post_time(shown.post_id, epoch),
        text=shown.text,
        lang=shown.lang,
        visibility=shown.visibility,
        parent_id=shown.parent_id,
        root_id=root_of(shown, view.known),
        repost=repost,
        edited=shown.edited,
        reason=_reason(post, view) if why else None,
    )


def _reason(post: Post, view: View) -> Reason:
    if post.author_id == view.viewer:
        return Reason("self", post.author_id)
    return Reason("follow" if post.repost_of is None else "repost", post.author_id)
