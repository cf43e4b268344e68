"""What is new is ordered and folded the same from whatever order entries come in."""

from random import Random

import pytest

from schemas.ids import PostId, UserId
from services.readers.news import (
    MAX_GIVEN,
    MAX_LINES,
    MAX_PARTICIPANTS,
    NewEntry,
    OwnAnswer,
    sum_up,
)

VIEWER = UserId(1)
NOW = 1_000_000


def entry(post: int, author: int, root: int | None = None, whom: int | None = None) -> NewEntry:
    """A post at a time of its number; a reply to its root where that is named."""
    where = PostId(root or post)
    parent = None if root is None else where
    return NewEntry(
        PostId(post), post, UserId(author), where, parent, None if whom is None else UserId(whom)
    )


def test_no_answer_has_more_lines_than_the_bound() -> None:
    """Conversations first; what no line gives is counted."""
    talks = [entry(post, 10 + post) for post in range(1, 98)]
    casts = [entry(1_000 + 10 * who + k, 2_000 + who) for who in range(9) for k in range(5)]
    news = sum_up([*talks, *casts], [], VIEWER, NOW)
    assert (len(news.conversations), len(news.broadcasts)) == (97, MAX_LINES - 97)
    assert news.folded == 45
    more = sum_up([*talks, *(entry(p, 10 + p) for p in range(100, 110)), *casts], [], VIEWER, NOW)
    assert (len(more.conversations), len(more.broadcasts)) == (MAX_LINES, 0)
    assert more.folded == 45 + 7


def test_a_crowded_conversation_is_cut() -> None:
    """Posts and participants; those who wrote last are named."""
    replies = [entry(10 + k, 100 + k, root=5) for k in range(30)]
    (line,) = sum_up([entry(5, 99), *replies], [], VIEWER, NOW).conversations
    assert len(line.posts) == MAX_GIVEN
    assert list(line.participants) == [100 + k for k in range(29, 29 - MAX_PARTICIPANTS, -1)]


def test_what_answers_the_viewer_leads_and_is_no_broadcast() -> None:
    """Also by somebody who broadcasts."""
    casts = [entry(post, 7) for post in range(1, 30)]
    answer = entry(50, 7, root=40, whom=VIEWER)
    own = [OwnAnswer(40, PostId(40))]
    news = sum_up([*casts, answer, entry(60, 8)], own, VIEWER, NOW)
    assert [line.root_id for line in news.conversations] == [40, 60]
    assert [(fold.author_id, fold.posts) for fold in news.broadcasts] == [(7, 29)]


def test_strangers_stand_behind_the_viewers_people() -> None:
    """Whatever their score."""
    stranger = entry(50, 7, root=40, whom=VIEWER)._replace(is_near=False)
    news = sum_up([stranger, entry(60, 8)], [], VIEWER, NOW)
    assert [line.root_id for line in news.conversations] == [60, 40]


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_entries_makes_no_difference(seed: int) -> None:
    """One answer for all of them."""
    chance = Random(seed)
    entries = [entry(k, chance.randint(1, 9), chance.choice((None, 1, 2, 3))) for k in range(4, 60)]
    expected = sum_up(entries, [], VIEWER, NOW)
    chance.shuffle(entries)
    assert sum_up(entries, [], VIEWER, NOW) == expected


def test_nothing_new_has_no_lines() -> None:
    """Nor has what the viewer wrote."""
    assert sum_up([], [], VIEWER, NOW) == ([], [], 0)
    assert sum_up([entry(5, VIEWER)], [], VIEWER, NOW) == ([], [], 0)
