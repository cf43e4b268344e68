"""What readers return: plain values, ids as integers, times in milliseconds."""

import msgspec
from msgspec.structs import replace

from schemas.events import Visibility
from schemas.ids import PostId, UserId, post_time
from services.posts.ancestry import root_of
from services.posts.post import Post
from services.visibility.standing import Placeholder, placeholder_of_quoted
from services.visibility.view import ReadContext, ReasonKind, View, Why
from services.visibility.words import matching_keyword_mute


class Repost(msgspec.Struct, frozen=True):
    """The users who reposted, the earliest first, and the original."""

    by: tuple[UserId, ...]
    original: PostId


class Reason(msgspec.Struct, frozen=True):
    """Why an item is in this listing, and through whom."""

    kind: ReasonKind
    by: UserId


class Quote(msgspec.Struct, frozen=True):
    """The post that an item quotes: as it is shown, or what stands for it; neither in a quote."""

    post_id: PostId
    item: "Item | None" = None
    placeholder: Placeholder | None = None


class Item(msgspec.Struct, frozen=True):
    """A post as it is shown. A repost has its own `post_id`; the rest is the original's.

    `why` is how a mention speaks to the viewer.
    """

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
    quote: Quote | None = None
    reason: Reason | None = None
    warn: str | None = None
    why: Why | None = None


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
    context: ReadContext = "page",
    reposters: tuple[UserId, ...] = (),
    why: Why | None = None,
) -> Item:
    """Return the item of a post that the predicate shows, with the post that it quotes.

    `kind` is why it is in a listing of the viewer's. Keyword mutes for `context` may warn of it.
    `reposters` are named on it; a repost names at least its author.
    """
    shown = view.original(post) or post
    item = _item(post, shown, view, epoch, context)
    return replace(
        item,
        repost=Repost(reposters, shown.post_id) if reposters else item.repost,
        quote=item.quote and _quote(shown, item.quote, view, epoch, context),
        reason=None if kind is None else Reason(kind, post.author_id),
        why=why,
    )


def _quote(post: Post, link: Quote, view: View, epoch: int, context: ReadContext) -> Quote:
    """Return what a post quotes as the viewer may see it; what that quotes is a link."""
    placeholder, quoted = placeholder_of_quoted(post, view, context), view.quoted(post)
    if placeholder is not None or quoted is None:
        return replace(link, placeholder=placeholder)
    shown = view.original(quoted) or quoted
    return replace(link, item=_item(quoted, shown, view, epoch, context))


def _item(post: Post, shown: Post, view: View, epoch: int, context: ReadContext) -> Item:
    """Return the item by itself; what it quotes is a link."""
    warned = matching_keyword_mute(shown, view, context, "warn")
    return Item(
        post_id=post.post_id,
        author_id=shown.author_id,
        created_at=post_time(shown.post_id, epoch),
        text=shown.text,
        lang=shown.lang,
        visibility=shown.visibility,
        parent_id=shown.parent_id,
        root_id=root_of(shown, view.known),
        repost=None if shown is post else Repost((post.author_id,), shown.post_id),
        edited=shown.edited,
        quote=None if shown.quote_of is None else Quote(shown.quote_of),
        warn=None if warned is None else warned.phrase,
    )
