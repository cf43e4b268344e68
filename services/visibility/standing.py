"""What a viewer is given in the place of a post: itself, or a placeholder for it (21, 22, 32)."""

from typing import Literal, TypeAlias

from services.posts.post import Post
from services.visibility.people import is_blocked, is_muted
from services.visibility.predicate import is_detached, is_gone, is_in_audience, judge_readable
from services.visibility.view import ReadContext, View
from services.visibility.words import matching_keyword_mute

Placeholder: TypeAlias = Literal["deleted", "blocked", "muted", "missing"]


def placeholder_of(post: Post | None, view: View, context: ReadContext) -> Placeholder | None:
    """Return what stands for a post by itself; None where it is shown. None is an unknown post."""
    if post is None or not is_in_audience(post, view):
        return "missing"
    if is_gone(post, view):
        return "deleted"
    if not judge_readable(post, view).shown:
        return "missing"
    if is_blocked(post, view):
        return "blocked"
    return "muted" if _mutes_hide(post, view, context) else None


def placeholder_of_quoted(quote: Post, view: View, context: ReadContext) -> Placeholder | None:
    """Return what stands for the post that a quote quotes; None where that is shown."""
    return (
        "missing" if is_detached(quote, view) else placeholder_of(view.quoted(quote), view, context)
    )


def _mutes_hide(post: Post, view: View, context: ReadContext) -> bool:
    """Whether a mute hides it. Pages and posts that are asked for by their ids ignore mutes."""
    if context == "page":
        return False
    shown = view.original(post) or post
    return matching_keyword_mute(shown, view, context, "hide") is not None or is_muted(post, view)
