"""Rule 4: where reposts stand. Pure functions of what is visible, for homes and for lists."""

from collections.abc import Iterable, Mapping

from schemas.ids import PostId, UserId
from services.posts.post import Post
from services.reposts.window import Window
from services.visibility.view import View

WindowPlaces = Mapping[PostId, tuple[UserId, ...]]
"""The posts that have a place, each with the reposters in its window, the earliest first."""


def window_of(post: Post, view: View) -> Window | None:
    """Return the window of an original that a post counts in; None while that is unknown."""
    original = view.original(post)
    return None if original is None else Window.of(post.post_id, original.post_id)


def place_in_windows(reasons: Iterable[Post], view: View) -> WindowPlaces:
    """Give each window's place to its earliest visible reason; the others are folded.

    It is right for windows of which all visible reasons are given.
    """
    windows: dict[Window | None, list[Post]] = {}
    for each in sorted(reasons, key=lambda post: post.post_id):
        windows.setdefault(window_of(each, view), []).append(each)
    return {first.post_id: _reposters([first, *rest]) for first, *rest in windows.values()}


def _reposters(reasons: Iterable[Post]) -> tuple[UserId, ...]:
    """Return each reposter once."""
    reposts = (each.author_id for each in reasons if each.repost_of is not None)
    return tuple(dict.fromkeys(reposts))
