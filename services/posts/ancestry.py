"""The posts above a post: its ancestors, its root, the original of a repost.

Pure functions over `known`, the loaded posts by id, and the function that loads what they need.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from schemas.ids import PostId
from services.posts.post import Post
from services.posts.store import PostStore

MAX_ROUNDS = 200
"""Requests that one climb may take. A round passes up to MAX_ANCESTOR_HINT ancestors where hints
were kept, else one; what lies above 200 rounds counts as unknown."""

Steps: TypeAlias = Callable[[Post, set[PostId]], tuple[PostId, ...]]
"""Returns what to load next for a post, given which posts turned out to be unknown."""


def ancestors(post: Post, known: Mapping[PostId, Post]) -> Iterator[PostId]:
    """Yield the ancestors, nearest first. The last may be unknown; a cycle ends where it closes."""
    seen = {post.post_id}
    above = post.parent_id
    while above is not None and above not in seen:
        seen.add(above)
        yield above
        parent = known.get(above)
        above = None if parent is None else parent.parent_id


def next_up(post: Post, known: Mapping[PostId, Post]) -> PostId | None:
    """Return the next post towards the root: the parent, or the claimed root if that is unknown."""
    if post.parent_id is None or post.parent_id in known:
        return post.parent_id
    return post.root_claim or post.parent_id


def path_up(start: PostId, known: Mapping[PostId, Post]) -> tuple[list[PostId], bool]:
    """Return the ids from `start` to the root, both included, and whether they end in a cycle.

    The last id is a known root, an unknown post, or the last one before a cycle closes.
    """
    path = [start]
    seen = {start}
    while (post := known.get(path[-1])) is not None:
        above = next_up(post, known)
        if above is None:
            return path, False
        if above in seen:
            return path, True
        seen.add(above)
        path.append(above)
    return path, False


def root_of(post: Post, known: Mapping[PostId, Post]) -> PostId | None:
    """Return the root of a post's conversation (rule 19); None for an orphan or a cycle.

    The root may be unknown, if the topmost known post claims it.
    """
    path, cycle = path_up(post.post_id, known)
    if cycle:
        return None
    top = path[-1]
    if top in known:
        return top
    return top if known[path[-2]].root_claim == top else None


def original_of(post: Post, known: Mapping[PostId, Post]) -> Post | None:
    """Return the post that a repost shows; None while it is unknown, and for a cycle of reposts."""
    seen = {post.post_id}
    shown: Post | None = post
    while shown is not None and shown.repost_of is not None:
        if shown.repost_of in seen:
            return None
        seen.add(shown.repost_of)
        shown = known.get(shown.repost_of)
    return shown


async def load_above(posts: PostStore, known: dict[PostId, Post], starts: Iterable[PostId]) -> None:
    """Load into `known` the starts, their ancestors and the posts that any of them repost.

    Raises StoreUnavailable.
    """
    await _load(posts, known, list(starts), _steps_up)


async def load_shown(posts: PostStore, known: dict[PostId, Post], starts: Iterable[PostId]) -> None:
    """Load as `load_above` does, and also what the starts quote, with what is above that.

    Raises StoreUnavailable.
    """
    shown = list(starts)
    asked = frozenset(shown)

    def steps(post: Post, absent: set[PostId]) -> tuple[PostId, ...]:
        original = original_of(post, known) if post.post_id in asked else None
        quoted = None if original is None else original.quote_of
        return _steps_up(post, absent) if quoted is None else (*_steps_up(post, absent), quoted)

    await _load(posts, known, shown, steps)
    originals = (original_of(known[each], known) for each in shown if each in known)
    quoted = (original.quote_of for original in originals if original is not None)
    # What was known before without what is above it was not climbed from.
    await load_above(posts, known, [each for each in quoted if each is not None])


async def _load(
    posts: PostStore, known: dict[PostId, Post], starts: Sequence[PostId], steps: Steps
) -> None:
    absent: set[PostId] = set()
    wanted = {start for start in starts if start not in known}
    fresh = [known[start] for start in starts if start in known]
    for _ in range(MAX_ROUNDS):
        wanted.update(_missing(fresh, known, absent, steps))
        if not wanted:
            return
        found = await posts.load(wanted)
        known.update(found)
        absent |= wanted - found.keys()
        fresh = _waiting((*fresh, *found.values()), known, absent, steps)
        wanted = set()


def _missing(
    posts: Iterable[Post], known: Mapping[PostId, Post], absent: set[PostId], steps: Steps
) -> Iterator[PostId]:
    for post in posts:
        for each in (*steps(post, absent), *post.ancestor_hint):
            if each not in known and each not in absent:
                yield each


def _steps_up(post: Post, absent: set[PostId]) -> tuple[PostId, ...]:
    """Return the posts to load next before the place of a post is known."""
    above = post.parent_id
    if above is None and post.repost_of is None:
        return ()
    if above in absent and post.root_claim is not None:
        above = post.root_claim
    return tuple(each for each in (above, post.repost_of) if each is not None)


def _waiting(
    posts: Iterable[Post], known: Mapping[PostId, Post], absent: set[PostId], steps: Steps
) -> list[Post]:
    waiting = []
    for post in posts:
        for each in steps(post, absent):
            if each not in known and each not in absent:
                waiting.append(post)
                break
    return waiting
