"""Which posts of a thread are shown, and what stands for the others (rules 6, 7, 21 to 23)."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from schemas.ids import PostId
from services.posts.post import Post
from services.readers.item import Placeholder
from services.readers.thread_posts import ThreadPosts
from services.relations.store import Pair
from services.visibility.people import is_blocked, is_muted
from services.visibility.predicate import is_gone, is_in_audience, judge_readable
from services.visibility.replies import is_against_gate
from services.visibility.view import View
from services.visibility.words import matching_keyword_mute


class ThreadPlaceholders(NamedTuple):
    """Decisions about the posts of a thread, once for each of them.

    `by_post` has every post; None stands for one that is shown. The gate of the root keeps the
    `refused` out of the thread. `apart` are shown replies to a shown post whose author has a block
    with theirs.
    """

    by_post: Mapping[PostId, Placeholder | None]
    refused: AbstractSet[PostId]
    apart: AbstractSet[PostId]

    def is_alive(self, post: PostId) -> bool:
        """Whether the post, shown or not, keeps the placeholders above it in their places."""
        return self.by_post[post] not in ("missing", "deleted")

    def is_hidden(self, reply: PostId) -> bool:
        """Whether a reply that has a place is only counted, with all below it."""
        return self.by_post[reply] in ("blocked", "muted") or reply in self.apart


def decide_placeholders(
    thread: ThreadPosts, view: View, blocked_pairs: AbstractSet[Pair]
) -> ThreadPlaceholders:
    """Decide about each post of a thread; `blocked_pairs` are its author pairs with a block."""
    asked = thread.asked.post_id
    posts = dict.fromkeys((*thread.known, *thread.above, *thread.below))
    by_post = {post: _placeholder(post, asked, view) for post in posts}
    shown = {post for post, placeholder in by_post.items() if placeholder is None}
    return ThreadPlaceholders(
        by_post,
        refused={each for each, post in thread.known.items() if is_against_gate(post, view)},
        apart={
            reply.post_id
            for reply, parent in thread.replies()
            if (reply.author_id, parent.author_id) in blocked_pairs
            and shown.issuperset((reply.post_id, parent.post_id))
        },
    )


def _placeholder(post_id: PostId, asked: PostId, view: View) -> Placeholder | None:
    """Return what stands for a post by itself. Mutes do not hide the post asked for."""
    post = view.known.get(post_id)
    if post is None or not is_in_audience(post, view):
        return "missing"
    if is_gone(post, view):
        return "deleted"
    if not judge_readable(post, view).shown:
        return "missing"
    if is_blocked(post, view):
        return "blocked"
    return "muted" if post_id != asked and _is_muted(post, view) else None


def _is_muted(post: Post, view: View) -> bool:
    shown = view.original(post) or post
    return matching_keyword_mute(shown, view, "threads", "hide") is not None or is_muted(post, view)
