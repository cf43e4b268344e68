"""The visibility predicate: whether a post is shown, and by which rule of SEMANTICS.md.

Pure functions of the post, of what is known around it and of the viewer's relations now. Every
reader decides with these and nothing else.
"""

from collections.abc import Mapping
from itertools import islice
from typing import NamedTuple

from schemas.ids import PostId, UserId
from services.conversations.lineage import ancestors, original_of
from services.posts.post import Post
from services.relations.relations import Edge

MAX_CLIMB = 64
"""Ancestors that a reply rule looks at (SEMANTICS 3)."""


class Verdict(NamedTuple):
    """Shown or not, the number of the rule that decided, and its reason in a word."""

    shown: bool
    rule: int
    reason: str


class View(NamedTuple):
    """What a viewer's reading is decided by. `viewer` is None for nobody in particular.

    `known` holds the posts, all that is known above them and what they repost; `edges` the
    viewer's follow edges to their authors; `floor` the newest post id that is past its retention.
    """

    viewer: UserId | None
    known: Mapping[PostId, Post]
    edges: Mapping[UserId, Edge]
    floor: int = 0


def in_audience(post: Post, view: View) -> bool:
    """Rule 5, by the post's visibility alone; deleted posts keep theirs."""
    if post.visibility == "public" or post.author_id == view.viewer:
        return True
    if view.viewer is None:
        return False
    if post.visibility == "unlisted" or view.viewer in post.mentions:
        return True
    return post.visibility == "followers" and post.author_id in view.edges


def readable(post: Post, view: View) -> Verdict:
    """Whether a post may be shown to the viewer anywhere, reposts with what they repost."""
    if not in_audience(post, view):
        return Verdict(shown=False, rule=5, reason="not_in_audience")
    if post.deleted:
        return Verdict(shown=False, rule=8, reason="deleted")
    if post.repost_of is not None:
        return _repost_readable(post, view)
    return Verdict(shown=True, rule=5, reason="in_audience")


def _repost_readable(post: Post, view: View) -> Verdict:
    """Rule 4: a repost shows only to those who may see the original."""
    original = original_of(post, view.known)
    if original is None:
        return Verdict(shown=False, rule=4, reason="original_unknown")
    if not in_audience(original, view):
        return Verdict(shown=False, rule=5, reason="original_not_in_audience")
    if original.deleted:
        return Verdict(shown=False, rule=8, reason="original_deleted")
    return Verdict(shown=True, rule=4, reason="repost")


def in_home(post: Post, view: View) -> Verdict:
    """Whether a post is in the viewer's home timeline."""
    verdict = readable(post, view)
    if not verdict.shown:
        return verdict
    edge = view.edges.get(post.author_id)
    own = post.author_id == view.viewer
    if post.post_id <= view.floor or (edge is None and not own):
        late = post.post_id <= view.floor
        return Verdict(shown=False, rule=2, reason="past_retention" if late else "not_followed")
    if post.repost_of is not None:
        return _repost_in_home(post, None if own else edge, view)
    if edge is None or own:
        return Verdict(shown=True, rule=1, reason="own_post")
    return _followed_in_home(post, edge, view)


def _repost_in_home(post: Post, edge: Edge | None, view: View) -> Verdict:
    """Rule 4: a switch on the follow edge, and never one's own post."""
    original = original_of(post, view.known)
    if edge is not None and not edge.reposts:
        return Verdict(shown=False, rule=4, reason="reposts_off")
    if original is not None and original.author_id == view.viewer:
        return Verdict(shown=False, rule=4, reason="repost_of_own_post")
    return Verdict(shown=True, rule=4, reason="repost")


def _followed_in_home(post: Post, edge: Edge, view: View) -> Verdict:
    """Rule 3: what the follow edge says of replies."""
    if post.parent_id is None:
        return Verdict(shown=True, rule=2, reason="followed")
    match edge.replies:
        case "all":
            shown = True
        case "followed":
            shown = _answers_followed(post, view)
        case "conversation":
            shown = _in_conversation(post, view) or _in_own_thread(post, view)
        case "self_threads":
            shown = _in_own_thread(post, view)
        case "none":
            shown = False
    return Verdict(shown=shown, rule=3, reason=f"replies_{edge.replies}")


def _answers_followed(post: Post, view: View) -> bool:
    parent = view.known.get(post.parent_id) if post.parent_id is not None else None
    if parent is None:
        return False
    return parent.author_id in (view.viewer, post.author_id) or parent.author_id in view.edges


def _in_conversation(post: Post, view: View) -> bool:
    """Some post above is by the viewer, or by someone else whom the viewer follows."""
    for above in islice(ancestors(post, view.known), MAX_CLIMB):
        known = view.known.get(above)
        if known is None:
            return False
        author = known.author_id
        if author == view.viewer or (author != post.author_id and author in view.edges):
            return True
    return False


def _in_own_thread(post: Post, view: View) -> bool:
    """Every post above is by the author; an unknown one is a stranger's."""
    for above in islice(ancestors(post, view.known), MAX_CLIMB):
        known = view.known.get(above)
        if known is None or known.author_id != post.author_id:
            return False
    return True
