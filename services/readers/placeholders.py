"""What a viewer of a thread is given in a post's place (SEMANTICS 6, 7 and 21 to 23)."""

from collections.abc import Set as AbstractSet
from typing import NamedTuple

from schemas.ids import PostId, UserId
from services.posts.post import Post
from services.readers.item import Placeholder
from services.visibility.people import blocked, muted
from services.visibility.predicate import in_audience, is_gone, readable
from services.visibility.replies import against_gate
from services.visibility.view import View
from services.visibility.words import keyword


class ThreadPlaceholders(NamedTuple):
    """Judges the posts around the one asked for.

    `apart` are the pairs (author of a reply, author of what it answers) with a block between them.
    """

    asked: PostId
    view: View
    apart: AbstractSet[tuple[UserId, UserId]] = frozenset()

    def unseen(self, post_id: PostId) -> Placeholder | None:
        """What stands for a post that may not be read at all: `missing` or `deleted`."""
        post = self.view.known.get(post_id)
        if post is None or not in_audience(post, self.view):
            return "missing"
        if is_gone(post, self.view):
            return "deleted"
        return None if readable(post, self.view).shown else "missing"

    def admitted(self, post_id: PostId) -> bool:
        """Whether the root's gate lets a post into the thread; an unknown one has passed none."""
        post = self.view.known.get(post_id)
        return post is None or not against_gate(post, self.view)

    def placeholder(self, post_id: PostId) -> Placeholder | None:
        """What stands for a post, whatever is next to it. What is asked for ignores mutes."""
        unseen = self.unseen(post_id)
        if unseen is not None:
            return unseen
        post = self.view.known[post_id]
        if blocked(post, self.view):
            return "blocked"
        return "muted" if post_id != self.asked and self._is_muted(post) else None

    def hides(self, reply: PostId, above: PostId) -> bool:
        """Whether a reply that has a place is counted instead of given, with all below it."""
        return self.placeholder(reply) in ("blocked", "muted") or self.keeps_apart(reply, above)

    def keeps_apart(self, reply: PostId, above: PostId) -> bool:
        """Rule 6: a block between two who would both be shown, one below the other."""
        if not self.apart or self.placeholder(reply) or self.placeholder(above):
            return False
        known = self.view.known
        return (known[reply].author_id, known[above].author_id) in self.apart

    def _is_muted(self, post: Post) -> bool:
        shown = self.view.original(post) or post
        worded = keyword(shown, self.view, "threads", "hide") is not None
        return worded or muted(post, self.view)
