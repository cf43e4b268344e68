"""Rule 6: what blocks and mutes hide from a viewer, by a post's author and its mentions."""

from collections.abc import Iterator

from schemas.ids import UserId
from services.posts.post import Post
from services.visibility.view import View


def people_concerned(post: Post, view: View) -> set[UserId]:
    """Return the authors of what a post shows and the users mentioned, without the viewer.

    Mentions in the viewer's own words do not count.
    """
    people: set[UserId] = set()
    for each in _shown(post, view):
        if each.author_id != view.viewer:
            people.add(each.author_id)
            people.update(map(UserId, each.mentions))
    return people - {view.viewer}


def is_blocked(post: Post, view: View) -> bool:
    """Whether there is a block between the viewer and a user concerned, in either direction."""
    blocked = view.relations.blocked
    return bool(blocked) and not blocked.isdisjoint(people_concerned(post, view))


def is_blocked_by_viewer(post: Post, view: View) -> bool:
    """Whether one of these blocks is the viewer's own, so that they know of it."""
    return any(view.to(each).blocks for each in people_concerned(post, view))


def is_muted(post: Post, view: View) -> bool:
    """Whether a mute hides the post. Scope `reposts` hides the muted user's reposts."""
    if not view.relations.muted:
        return False
    if post.repost_of is not None and _mute(post.author_id, view) is not None:
        return True
    return any(_mute(each, view) == "all" for each in people_concerned(post, view))


def _mute(other: UserId, view: View) -> str | None:
    mute = view.to(other).mute
    return mute.scope if mute is not None and view.is_active(mute.expires_at) else None


def _shown(post: Post, view: View) -> Iterator[Post]:
    yield post
    if post.repost_of is not None and (original := view.original(post)) is not None:
        yield original
