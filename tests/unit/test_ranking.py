"""The score of posts by how likely the viewer answers, and what it says moved it."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ranking.features import (
    COLUMNS,
    HALF_LIFE_DAYS,
    HOUR_MS,
    answers_to,
    compute_features,
    habits_of,
)
from services.ranking.score import MAX_REASONS, best_first, compute_scores, reasons_of
from services.ranking.weights import CATCH_UP, SIGNAL
from services.ranking.window import LINE, NOBODY, Floats, OwnPosts, PostWindow

ALICE, BOB, CAROL, DAVE = 1, 2, 3, 4
NOW = 1_000 * HOUR_MS
EMPTY = np.zeros(0, np.int64)
NOTHING_WRITTEN = OwnPosts(EMPTY, EMPTY, EMPTY, EMPTY, np.zeros(0, bool))


def window_of(*posts: dict[str, Any]) -> PostWindow:
    """Build a window of posts, each an hour old and by bob unless it says otherwise."""
    return PostWindow(
        np.array([NOW - int(post.get("hours", 1) * HOUR_MS) for post in posts]),
        np.array([post.get("author", BOB) for post in posts]),
        np.array(["answers" not in post for post in posts]),
        np.array([post.get("answers", NOBODY) for post in posts]),
        np.array([(post.get("line", []) + [NOBODY] * LINE)[:LINE] for post in posts]),
        np.array([post.get("root", 100 + number) for number, post in enumerate(posts)]),
        np.array([post.get("answered", False) for post in posts]),
    )


def own_posts(*posts: dict[str, Any]) -> OwnPosts:
    """Build alice's posts: how many hours ago, in which thread, whom and what they answer."""
    ago = np.array([post["hours"] for post in posts])
    return OwnPosts(
        NOW - ago * HOUR_MS,
        np.array([post.get("root", 0) for post in posts]),
        np.array([post.get("whom", NOBODY) for post in posts]),
        NOW - (ago + np.array([post.get("delay", 1) for post in posts])) * HOUR_MS,
        np.array([post.get("begins", False) for post in posts]),
    )


def features_of(*posts: dict[str, Any], own: OwnPosts = NOTHING_WRITTEN) -> Floats:
    return compute_features(window_of(*posts), np.arange(len(posts)), own, ALICE, NOW)


def scores_of(*posts: dict[str, Any], own: OwnPosts = NOTHING_WRITTEN) -> list[float]:
    return compute_scores(features_of(*posts, own=own), SIGNAL).tolist()


def test_the_viewer_is_more_likely_to_answer() -> None:
    """Answers to alice go before posts below hers, these before the rest of her thread."""
    own = own_posts({"hours": 20, "root": 7})
    to_her, below, in_thread, elsewhere = scores_of(
        {"author": BOB, "answers": ALICE, "root": 1},
        {"author": CAROL, "answers": BOB, "line": [ALICE], "root": 2},
        {"author": DAVE, "answers": CAROL, "root": 7},
        {"author": 5, "answers": CAROL, "root": 3},
        own=own,
    )
    assert to_her > below > in_thread > elsewhere


@pytest.mark.parametrize(
    ("more", "less"),
    [
        ({}, {"answers": CAROL}),
        ({}, {"answered": True}),
        ({"hours": 1}, {"hours": 2}),
        ({"hours": 11}, {"hours": 13}),
        ({"answers": BOB}, {"answers": CAROL}),
    ],
    ids=["begins a thread", "nobody has answered", "newer", "newer than half a day", "continues"],
)
def test_one_feature_decides_between_like_posts(more: dict[str, Any], less: dict[str, Any]) -> None:
    """Help is given where nobody has helped, and what is new before what is old."""
    (higher,), (lower,) = scores_of(more), scores_of(less)
    assert higher > lower


def test_whom_alice_answered_lately_goes_first() -> None:
    """Bob whom she answered yesterday, carol of a year ago, then dave."""
    own = own_posts({"hours": 8_760, "whom": CAROL}, {"hours": 24, "whom": BOB})
    bob, carol, dave = scores_of({"author": BOB}, {"author": CAROL}, {"author": DAVE}, own=own)
    assert bob > carol > dave


def test_an_answer_counts_half_after_its_half_life() -> None:
    """By its own time, whenever it is looked at."""
    hours = HALF_LIFE_DAYS * 24
    own = own_posts({"hours": hours, "whom": BOB}, {"hours": 0, "whom": CAROL})
    authors = np.array([BOB, CAROL, DAVE])
    assert answers_to(authors, own, NOW).tolist() == [0.5, 1, 0]
    assert answers_to(authors, NOTHING_WRITTEN, NOW).tolist() == [0, 0, 0]


def test_what_alice_passed_over_goes_down() -> None:
    """Bob's post is old; since then she wrote three times, and not to him."""
    (seen,) = scores_of({"hours": 10}, own=own_posts(*({"hours": 9 - n} for n in range(3))))
    (unseen,) = scores_of({"hours": 10}, own=own_posts(*({"hours": 13 - n} for n in range(3))))
    assert seen < unseen


def test_who_writes_much_goes_down_and_so_does_a_thread_that_went_on() -> None:
    """Bob's six threads stand behind carol's one; of a thread its last post is first."""
    *_, broadcast, lone = scores_of(*[{"author": BOB}] * 6, {"author": CAROL})
    assert lone > broadcast
    overtaken, last = scores_of(
        {"author": BOB, "answers": 9, "root": 1}, {"author": CAROL, "answers": 9, "root": 1}
    )
    assert last > overtaken


def test_habits_are_the_usual_ones_until_answers_say_otherwise() -> None:
    """Alice helps who begins a thread, and late; a single answer says little yet."""
    assert habits_of(NOTHING_WRITTEN) == (0, 0)
    one = habits_of(own_posts({"hours": 1, "whom": BOB, "begins": True, "delay": 48}))
    many = habits_of(own_posts(*[{"hours": 1, "whom": BOB, "begins": True, "delay": 48}] * 100))
    assert 0 < one.begins < many.begins
    assert 0 < one.delay < many.delay


def test_equal_posts_stand_newest_first() -> None:
    """The later row of equal scores is the newer post."""
    assert best_first(np.array([1.0, 2.0, 1.0, 2.0])).tolist() == [3, 1, 2, 0]
    assert best_first(np.zeros(0)).tolist() == []


def test_reasons_say_what_sets_a_post_apart() -> None:
    """Most first, five at most, as signed shares of all that moved the score."""
    own = own_posts({"hours": 30, "whom": BOB, "root": 5})
    features = features_of(
        {"author": BOB, "answers": ALICE, "hours": 20},
        {"author": CAROL, "answered": True},
        {"author": CAROL, "answers": BOB, "hours": 3},
        own=own,
    )
    first, *rest = reasons_of(features, 0, SIGNAL)
    assert first.feature == "answers_you"
    assert first.share > 0.3
    assert len(rest) < MAX_REASONS
    shares = [abs(reason.share) for reason in (first, *rest)]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) <= 1.001
    assert {reason.feature: reason.share for reason in rest}["age"] < 0


def test_like_posts_have_no_reasons() -> None:
    """Where nothing sets a post apart nothing is named."""
    features = features_of({"author": BOB, "root": 1})
    assert reasons_of(features, 0, SIGNAL) == []


def test_weights_are_of_terms_that_exist() -> None:
    """Signal weighs every term; catch-up all but those that only say how old a post is."""
    assert tuple(SIGNAL) == COLUMNS
    assert set(COLUMNS) - set(CATCH_UP) == {
        "hours",
        "hours_over_12",
        "hours_by_habit",
        "own_posts_since",
    }


posts = st.lists(
    st.fixed_dictionaries(
        {
            "author": st.integers(1, 5),
            "hours": st.integers(0, 72),
            "root": st.integers(1, 4),
            "answered": st.booleans(),
        },
        optional={"answers": st.integers(-1, 5), "line": st.lists(st.integers(-1, 5), max_size=3)},
    ),
    min_size=1,
    max_size=20,
)
own = st.lists(
    st.fixed_dictionaries(
        {
            "hours": st.integers(0, 2_000),
            "root": st.integers(1, 4),
            "whom": st.integers(-1, 5),
            "delay": st.integers(0, 100),
            "begins": st.booleans(),
        }
    ),
    max_size=10,
)


@given(posts, own, st.randoms(use_true_random=False))
def test_features_of_a_post_do_not_depend_on_what_else_is_asked_for(
    written: list[dict[str, Any]], answers: list[dict[str, Any]], chance: Any
) -> None:
    """Any rows of a window, in any order, have the features that all rows have."""
    window = window_of(*sorted(written, key=lambda post: -post["hours"]))
    latest = own_posts(*sorted(answers, key=lambda post: -post["hours"])) if answers else None
    everything = np.arange(len(written))
    rows = np.array(chance.sample(range(len(written)), chance.randint(1, len(written))))
    alike = [
        compute_features(window, asked, latest or NOTHING_WRITTEN, ALICE, NOW)
        for asked in (everything, rows)
    ]
    assert np.isfinite(alike[0]).all()
    assert (alike[0][rows] == alike[1]).all()
