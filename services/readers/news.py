"""Order and fold what is new in a home (rule 28): pure functions of entries that are shown."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from schemas.ids import IdArray, PostId, UserId
from services.ranking.damping import find_broadcasts
from services.ranking.features import compute_features
from services.ranking.score import compute_scores
from services.ranking.weights import CATCH_UP
from services.ranking.window import LINE, NOBODY, Floats, OwnPosts, PostWindow

MAX_LINES = 100
MAX_GIVEN = 5
"""Posts of a conversation that are given: enough to see what it is about."""
MAX_PARTICIPANTS = 20


class NewEntry(NamedTuple):
    """An entry of a home. `above` has the authors of the posts above its parent, nearest first.

    `is_near` says that the viewer or somebody they follow wrote it.
    """

    post_id: PostId
    at: int
    author_id: UserId
    root_id: PostId
    parent_id: PostId | None = None
    parent_author: UserId | None = None
    above: tuple[UserId, ...] = ()
    is_repost: bool = False
    is_near: bool = True


class OwnAnswer(NamedTuple):
    """A post of the viewer, and what is known of the post that it answers."""

    at: int
    root_id: PostId
    whom: UserId | None = None
    answered_at: int = 0
    answered_begins: bool = False


class ConversationNews(NamedTuple):
    """A conversation: the posts to give in reading order, who wrote in it, the latest first."""

    root_id: PostId
    posts: tuple[PostId, ...]
    participants: tuple[UserId, ...]


class BroadcastNews(NamedTuple):
    """Posts by which an author spoke to nobody in particular."""

    author_id: UserId
    posts: int
    newest: PostId


class News(NamedTuple):
    """Up to MAX_LINES lines, and how many of the others' posts they do not give."""

    conversations: list[ConversationNews]
    broadcasts: list[BroadcastNews]
    folded: int


def sum_up(
    entries: Collection[NewEntry], own: Sequence[OwnAnswer], viewer: UserId, moment: int
) -> News:
    """Return what is new in these entries, each of which is there once, in whatever order."""
    ordered = sorted(entries)
    if all(entry.author_id == viewer for entry in ordered):
        return News([], [], 0)
    window = _window_of(ordered)
    scores = _scores_of(window, own, viewer, moment)
    talks: dict[PostId, list[int]] = defaultdict(list)
    broadcasts: dict[UserId, list[int]] = defaultdict(list)
    answered = {entry.root_id for entry in ordered if entry.parent_id is not None}
    casts = find_broadcasts(window)
    for row, entry in enumerate(ordered):
        begins_nothing = entry.root_id not in answered and bool(casts[row])
        if entry.is_repost or begins_nothing:
            broadcasts[entry.author_id].append(row)
        else:
            talks[entry.root_id].append(row)
    broadcasts.pop(viewer, None)
    conversations = _conversations(talks, ordered, scores, viewer)[:MAX_LINES]
    folds = [
        BroadcastNews(author, len(rows), ordered[rows[-1]].post_id)
        for author, rows in broadcasts.items()
    ]
    folds.sort(key=lambda fold: -fold.newest)
    others = sum(entry.author_id != viewer for entry in ordered)
    given = sum(len(each.posts) for each in conversations)
    return News(conversations, folds[: MAX_LINES - len(conversations)], others - given)


def _conversations(
    talks: Mapping[PostId, Sequence[int]],
    entries: Sequence[NewEntry],
    scores: Floats,
    viewer: UserId,
) -> list[ConversationNews]:
    """Return those in which others wrote; first those of the viewer's people, by best score."""
    ranked: list[tuple[bool, float, PostId, ConversationNews]] = []
    for root, rows in talks.items():
        others = [row for row in rows if entries[row].author_id != viewer]
        if not others:
            continue
        best = sorted(others, key=lambda row: (-scores[row], -row))[:MAX_GIVEN]
        authors = dict.fromkeys(entries[row].author_id for row in reversed(rows))
        news = ConversationNews(
            root,
            tuple(entries[row].post_id for row in sorted(best)),
            tuple(authors)[:MAX_PARTICIPANTS],
        )
        is_far = not any(entries[row].is_near for row in rows)
        ranked.append((is_far, -float(scores[best[0]]), PostId(-entries[rows[-1]].post_id), news))
    return [news for *_, news in sorted(ranked)]


def _scores_of(window: PostWindow, own: Sequence[OwnAnswer], viewer: UserId, moment: int) -> Floats:
    answers = sorted(own, key=lambda each: each.at)
    posts = OwnPosts(
        at=_ids(each.at for each in answers),
        root=_ids(each.root_id for each in answers),
        whom=_ids(NOBODY if each.whom is None else each.whom for each in answers),
        answered_at=_ids(each.answered_at for each in answers),
        answered_begins=np.array([each.answered_begins for each in answers], bool),
    )
    rows = np.arange(len(window.at))
    return compute_scores(compute_features(window, rows, posts, viewer, moment), CATCH_UP)


def _window_of(entries: Sequence[NewEntry]) -> PostWindow:
    authors = {entry.post_id: entry.author_id for entry in entries}
    answered = {
        entry.parent_id
        for entry in entries
        if entry.parent_id is not None and authors.get(entry.parent_id) != entry.author_id
    }
    line = np.full((len(entries), LINE), NOBODY, np.int64)
    for row, entry in enumerate(entries):
        line[row, : len(entry.above)] = entry.above[:LINE]
    return PostWindow(
        at=_ids(entry.at for entry in entries),
        author=_ids(entry.author_id for entry in entries),
        begins=np.array([e.parent_id is None and not e.is_repost for e in entries], bool),
        parent_author=_ids(
            NOBODY if entry.parent_author is None else entry.parent_author for entry in entries
        ),
        line=line,
        root=_ids(entry.root_id for entry in entries),
        answered=np.array([entry.post_id in answered for entry in entries], bool),
    )


def _ids(values: Iterable[int]) -> IdArray:
    return np.fromiter(values, np.int64)
