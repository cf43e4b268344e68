"""Which replies a viewer is shown: the rules of follow edges (3), the gates of roots (23)."""

from itertools import islice

from schemas.events import Replies
from schemas.ids import ListId
from schemas.relations import ListReplies
from services.posts.ancestry import ancestors, root_of
from services.posts.post import Post
from services.visibility.view import ListMember, View

MAX_CLIMB = 64
"""Ancestors that a reply rule looks at (rule 3)."""
LISTED = "list:"
"""How an entry of a gate that names a list begins."""


def passes_reply_rule(post: Post, replies: Replies, view: View) -> bool:
    """Whether a post passes the reply rule of the edge to its author."""
    if post.parent_id is None:
        return True
    match replies:
        case "all":
            return True
        case "followed":
            return _answers_followed(post, view)
        case "conversation":
            return _in_conversation(post, view) or _in_own_thread(post, view)
        case "self_threads":
            return _in_own_thread(post, view)
        case "none":
            return False


def passes_list_rule(post: Post, list_id: ListId, replies: ListReplies, view: View) -> bool:
    """Whether a post passes the reply rule of a list of the viewer's (16)."""
    if post.parent_id is None:
        return True
    parent = view.known.get(post.parent_id)
    if parent is None:
        return False
    if parent.author_id in (view.viewer, post.author_id):
        return True
    match replies:
        case "list":
            return list_id in view.to(parent.author_id).lists
        case "followed":
            return view.follows(parent.author_id)
        case "none":
            return False


def gated_root(post: Post, view: View) -> Post | None:
    """The root whose gate a reply has to pass; None where there is none."""
    if post.parent_id is None or post.repost_of is not None:
        return None
    root = root_of(post, view.known)
    known = None if root is None else view.known.get(root)
    if known is None or known.reply_gate is None or known.author_id == post.author_id:
        return None
    return known


def is_against_gate(post: Post, view: View) -> bool:
    """Whether a reply is one that its root does not admit now."""
    root = gated_root(post, view)
    return root is not None and not any(
        _admits(entry, root, post, view) for entry in root.reply_gate or ()
    )


def _admits(entry: str, root: Post, post: Post, view: View) -> bool:
    author, starter = post.author_id, root.author_id
    match entry:
        case "mentioned":
            return author in root.mentions
        case "followers":
            return (author, starter) in view.gates.follows
        case "followed":
            return (starter, author) in view.gates.follows
        case _:
            named = ListId(int(entry.removeprefix(LISTED)))
            return ListMember(named, starter, author) in view.gates.listed


def _answers_followed(post: Post, view: View) -> bool:
    parent = view.known.get(post.parent_id) if post.parent_id is not None else None
    if parent is None:
        return False
    return parent.author_id in (view.viewer, post.author_id) or view.follows(parent.author_id)


def _in_conversation(post: Post, view: View) -> bool:
    """Whether a post above is by the viewer, or by another user that the viewer follows."""
    for above in islice(ancestors(post, view.known), MAX_CLIMB):
        known = view.known.get(above)
        if known is None:
            return False
        author = known.author_id
        if author == view.viewer or (author != post.author_id and view.follows(author)):
            return True
    return False


def _in_own_thread(post: Post, view: View) -> bool:
    """Every post above is by the author; an unknown one is a stranger's."""
    for above in islice(ancestors(post, view.known), MAX_CLIMB):
        known = view.known.get(above)
        if known is None or known.author_id != post.author_id:
            return False
    return True
