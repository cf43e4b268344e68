"""Broadcasts and repetitions are folded behind one post of their author's."""

from typing import Any

import numpy as np
import pytest

from services.ranking.damping import (
    BROADCASTS,
    NO_WORDS,
    REPEATS,
    digest_links,
    digest_text,
    fold_damped,
)
from services.ranking.window import LINE, NOBODY, PostWindow

ALICE, BOB, CAROL, DAVE = 1, 2, 3, 4


def folded(*posts: dict[str, Any]) -> list[int]:
    """Return what each post is folded into; alice reads, the later post is the better one."""
    window = PostWindow(
        np.arange(len(posts)),
        np.array([post.get("author", BOB) for post in posts]),
        np.array(["answers" not in post for post in posts]),
        np.array([post.get("answers", NOBODY) for post in posts]),
        np.array([[post.get("above", NOBODY)] * LINE for post in posts]),
        np.arange(len(posts)),
        np.zeros(len(posts), bool),
    )
    wordings = np.array(
        [[digest_text(post.get("text", "")), digest_links(post.get("links", []))] for post in posts]
    )
    scores = np.arange(len(posts), dtype=float)
    return fold_damped(window, np.arange(len(posts)), ALICE, scores, wordings).tolist()


def test_who_only_begins_threads_broadcasts() -> None:
    """Bob's five are one, the best of them; carol's four are four."""
    bob = [{"author": BOB}] * BROADCASTS
    carol = [{"author": CAROL}] * (BROADCASTS - 1)
    assert folded(*bob, *carol) == [4, 4, 4, 4, 4, 5, 6, 7, 8]


def test_who_answers_others_converses() -> None:
    """One answer to carol makes bob's five posts no broadcasts; answers to himself do not."""
    begun = [{"author": BOB}] * BROADCASTS
    assert folded(*begun, {"answers": CAROL}) == [0, 1, 2, 3, 4, 5]
    assert folded(*begun, {"answers": BOB}) == [4, 4, 4, 4, 4, 5]


@pytest.mark.parametrize(
    "again",
    [
        [{"text": "Welcome, @carol!"}, {"text": "welcome @dave"}, {"text": "Welcome @erin 3"}],
        [{"links": ["https://a.example", "https://b.example"]}] * REPEATS,
    ],
    ids=["greetings", "links"],
)
def test_the_same_again_is_folded(again: list[dict[str, Any]]) -> None:
    """Bob greets everybody alike, or posts the same links; the other author may say so too."""
    greetings = [{"author": BOB, "answers": CAROL, **post} for post in again]
    assert folded(*greetings, {"author": CAROL, "answers": DAVE, **again[0]}) == [2, 2, 2, 3]
    assert folded(*greetings[:2]) == [0, 1]


def test_what_is_said_to_the_viewer_is_never_folded() -> None:
    """Bob thanks everybody, and alice among them, or below a post of hers."""
    thanks = [{"text": "Thank you", "answers": CAROL}] * REPEATS
    assert folded({"text": "Thank you", "answers": ALICE}, *thanks) == [0, 3, 3, 3]
    assert folded({"text": "Thanks", "answers": CAROL, "above": ALICE}, *thanks)[0] == 0


def test_of_two_reasons_all_end_at_one_post() -> None:
    """Bob's broadcasts are one; a reply to himself that repeats a broadcast stands there too."""
    begun = [{"text": "Buy", "author": BOB}] * BROADCASTS
    assert set(folded({"text": "Buy", "answers": BOB}, *begun, {"text": "x"})) == {6}


def test_posts_without_words_or_links_do_not_repeat_each_other() -> None:
    """Signs, numbers and names alone are no text, and no link is no link."""
    assert digest_text("@carol 12 !?") == digest_links([]) == NO_WORDS
    assert folded(*[{"text": "!!", "answers": CAROL}] * 4) == [0, 1, 2, 3]


def test_digests_are_the_same_everywhere() -> None:
    """They do not depend on a process, case, width of letters or the order of links."""
    assert (
        digest_text("HE\N{FULLWIDTH LATIN CAPITAL LETTER L}LO")
        == digest_text("hello")
        == 6042553977968695870
    )
    assert digest_links(["b", "a"]) == digest_links(["a", "b", "a"])
    assert digest_text("hello") != digest_text("hullo")


def test_nothing_to_fold() -> None:
    """Of no posts none is folded."""
    nothing = np.zeros(0, np.int64)
    window = PostWindow(
        nothing, nothing, nothing > 0, nothing, nothing.reshape(0, LINE), nothing, nothing > 0
    )
    assert fold_damped(window, nothing, ALICE, nothing * 1.0, nothing.reshape(0, 2)).tolist() == []
