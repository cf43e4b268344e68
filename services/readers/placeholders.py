"""Which posts of a thread are shown, and what stands for the others (rules 6, 7, 21 to 23)."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from schemas.ids import PostId
from services.readers.thread_posts import ThreadPosts
from services.relations.store import Pair
from services.visibility.replies import is_against_gate
from services.visibility.standing import Placeholder, placeholder_of
from services.visibility.view import View


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
    by_post = {
        post: placeholder_of(view.known.get(post), view, "page" if post == asked else "threads")
        for post in posts
    }
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
