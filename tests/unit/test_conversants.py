"""Whom a viewer talks with, and who may be worth meeting."""

import numpy as np
import pytest

from services.ranking.conversants import (
    HALF_LIFE_MS,
    MEETING_TERMS,
    RepliesBetween,
    find_acquaintance,
    meeting_features,
    meeting_scores,
    talking_with,
)
from services.ranking.weights import MEETING

ALICE, BOB, CAROL, DAVE, ERIN = 1, 2, 3, 4, 5
NOW = 100 * HALF_LIFE_MS


def replies(*rows: tuple[int, int, float]) -> RepliesBetween:
    """Build replies of (author, whom, half-lives ago)."""
    ago = np.array([row[2] for row in rows])
    return RepliesBetween(
        (NOW - ago * HALF_LIFE_MS).astype(np.int64),
        np.array([row[0] for row in rows], np.int64),
        np.array([row[1] for row in rows], np.int64),
    )


def test_talking_takes_two() -> None:
    """Bob and alice answer each other; carol is only answered, dave only answers."""
    known = find_acquaintance(
        replies((ALICE, BOB, 1), (BOB, ALICE, 0), (ALICE, CAROL, 0), (DAVE, ALICE, 0)), ALICE, NOW
    )
    people, strengths = talking_with(known)
    assert people.tolist() == [BOB]
    assert strengths.tolist() == [0.5]


def test_recent_talk_goes_first_and_equals_by_id() -> None:
    """A reply counts half after thirty days, by its own time."""
    rows = [(CAROL, 0.0), (DAVE, 1.0), (BOB, 0.0)]
    both = [(a, b, ago) for who, ago in rows for a, b in ((ALICE, who), (who, ALICE))]
    people, strengths = talking_with(find_acquaintance(replies(*both), ALICE, NOW))
    assert people.tolist() == [BOB, CAROL, DAVE]
    assert strengths.tolist() == [1, 1, 0.5]


def test_people_in_common_are_those_who_talk_with_the_viewer() -> None:
    """Bob talks with alice, and carol with bob; dave answers erin, a stranger to alice."""
    known = find_acquaintance(
        replies(
            (ALICE, BOB, 0), (BOB, ALICE, 0), (CAROL, BOB, 0), (BOB, CAROL, 1), (DAVE, ERIN, 0)
        ),
        ALICE,
        NOW,
    )
    in_common = dict(zip(known.people.tolist(), known.in_common.tolist(), strict=True))
    assert in_common == {BOB: 0, CAROL: 1.5, DAVE: 0, ERIN: 0}


def test_whoever_does_not_answer_the_viewer_is_nobody_in_common() -> None:
    """Alice answers bob, who answers carol and never alice."""
    rows = replies((ALICE, BOB, 0), (BOB, CAROL, 0), (CAROL, BOB, 0))
    assert find_acquaintance(rows, ALICE, NOW).in_common.tolist() == [0, 0]


@pytest.mark.parametrize("term", MEETING_TERMS)
def test_more_of_anything_is_not_less(term: str) -> None:
    """Activity and replies in either direction raise a score."""
    features = np.zeros((2, len(MEETING_TERMS)))
    features[1, MEETING_TERMS.index(term)] = 1
    assert np.diff(meeting_scores(features, MEETING))[0] > 0


def test_order_of_replies_and_repeated_asking_change_nothing() -> None:
    """The same set of replies in another order gives the same figures to the last bit."""
    rows = [(ALICE, BOB, 0.3), (BOB, ALICE, 0.7), (CAROL, BOB, 2.1), (BOB, CAROL, 1.9)]
    people, activity = np.array([BOB, CAROL, DAVE]), np.array([1.0, 2.0, 0.0])
    scores = [
        meeting_scores(
            meeting_features(find_acquaintance(replies(*some), ALICE, NOW), people, activity),
            MEETING,
        ).tolist()
        for some in (rows, rows[::-1])
    ]
    assert scores[0] == scores[1]
    assert scores[0][2] == 0


def test_strangers_to_everybody_are_known_by_their_activity_alone() -> None:
    """Without any reply there is nobody to talk with."""
    known = find_acquaintance(replies(), ALICE, NOW)
    features = meeting_features(known, np.array([BOB]), np.array([np.e - 1]))
    assert features.tolist() == [[1, 0, 0, 0]]
    assert talking_with(known)[0].tolist() == []
