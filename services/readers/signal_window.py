"""What signal orders: entries of a home as rows, and the viewer's own posts (rule 29). Pure.

What the viewer may not see counts nowhere: neither an answer, nor who wrote what stands above.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from schemas.ids import IdArray, PostId, UserId, post_time
from services.posts.ancestry import root_of
from services.posts.post import Post
from services.ranking.damping import digest_links, digest_text
from services.ranking.window import LINE, NOBODY, OwnPosts, PostWindow
from services.visibility.mentions import line_above
from services.visibility.people import is_blocked, is_muted
from services.visibility.predicate import is_gone, is_in_audience
from services.visibility.replies import is_against_gate
from services.visibility.view import View


class SignalEntry(NamedTuple):
    """An entry that home shows, what was loaded with it, and the replies to it that were found."""

    post_id: PostId
    view: View
    replies: Collection[PostId] = ()


class SignalRows(NamedTuple):
    """Entries as rows, oldest first; `settled` are the viewer's own and what they answered."""

    posts: Sequence[PostId]
    window: PostWindow
    settled: IdArray
    wordings: IdArray


def living_own_posts(posts: Iterable[PostId], view: View) -> list[Post]:
    """Return the living ones among a viewer's posts, oldest first, without reposts."""
    found = (view.known[each] for each in sorted(posts) if each in view.known)
    return [
        post
        for post in found
        if post.author_id == view.viewer and post.repost_of is None and not is_gone(post, view)
    ]


def own_rows(posts: Sequence[Post], view: View | None, epoch: int) -> OwnPosts:
    """Return the viewer's posts and what each of them answers, as rows."""
    view = view or View(None, {})
    parents = [next(line_above(post, view), None) for post in posts]
    begun = [parent is not None and parent.parent_id is None for parent in parents]
    return OwnPosts(
        _numbers(post_time(post.post_id, epoch) for post in posts),
        _numbers(_root(post, view) for post in posts),
        _numbers(_authors_above(post, view)[0] for post in posts),
        _numbers(0 if each is None else post_time(each.post_id, epoch) for each in parents),
        np.array(begun, bool),
    )


def signal_rows(
    entries: Sequence[SignalEntry], viewer: UserId, answered: Collection[PostId], epoch: int
) -> SignalRows:
    """Return entries, oldest first, as rows; a repost is what it shows, at the repost's time."""
    shown = [_shown(each.post_id, each.view) for each in entries]
    lines = [_authors_above(post, each.view) for post, each in zip(shown, entries, strict=True)]
    above = np.array(lines, np.int64).reshape(len(entries), 1 + LINE)
    return SignalRows(
        [each.post_id for each in entries],
        PostWindow(
            _numbers(post_time(each.post_id, epoch) for each in entries),
            _numbers(post.author_id for post in shown),
            np.array([post.parent_id is None for post in shown], bool),
            above[:, 0],
            above[:, 1:],
            _numbers(_root(post, each.view) for post, each in zip(shown, entries, strict=True)),
            np.array([_is_answered(each) for each in entries], bool),
        ),
        np.flatnonzero(
            np.array(
                [
                    viewer in {post.author_id, each.view.known[each.post_id].author_id}
                    or post.post_id in answered
                    for post, each in zip(shown, entries, strict=True)
                ],
                bool,
            )
        ),
        np.array([_wordings(post) for post in shown], np.int64).reshape(len(entries), 2),
    )


def _shown(post_id: PostId, view: View) -> Post:
    post = view.known[post_id]
    return view.original(post) or post


def _root(post: Post, view: View) -> PostId:
    return root_of(post, view.known) or post.post_id


def _authors_above(post: Post, view: View) -> list[int]:
    """Return the authors of the nearest ancestors, as far up as rule 25 looks."""
    authors: list[int] = []
    for above in line_above(post, view):
        if _is_hidden(above, view):
            break
        authors.append(NOBODY if is_gone(above, view) else above.author_id)
    return [*authors, *[NOBODY] * (1 + LINE)][: 1 + LINE]


def _is_answered(entry: SignalEntry) -> bool:
    """Whether the viewer may see a reply to it by somebody else than its author."""
    known: Mapping[PostId, Post] = entry.view.known
    author = known[entry.post_id].author_id
    return any(
        reply.parent_id == entry.post_id
        and reply.repost_of is None
        and reply.author_id != author
        and not is_gone(reply, entry.view)
        and not _is_hidden(reply, entry.view)
        and not is_against_gate(reply, entry.view)
        for reply in (known[each] for each in entry.replies if each in known)
    )


def _is_hidden(post: Post, view: View) -> bool:
    return not is_in_audience(post, view) or is_blocked(post, view) or is_muted(post, view)


def _wordings(post: Post) -> tuple[int, int]:
    return digest_text(post.text), digest_links(post.links)


def _numbers(values: Iterable[int]) -> IdArray:
    return np.array(list(values), np.int64)
