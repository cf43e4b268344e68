"""What the API answers, as it is drawn: each post once, in its place, and nothing else."""

from collections.abc import Mapping
from typing import Any

import pytest
from rich.console import Console, RenderableType

from streams.display.explanation import explanation
from streams.display.letter import letter
from streams.display.movements import movements, reading
from streams.display.text import clean
from streams.display.thread import thread
from streams.display.timeline import timeline

NAMES = {"1": "alice", "2": "bob", "3": "carol"}


def drawn(renderable: RenderableType) -> list[str]:
    console = Console(width=400, color_system=None)
    with console.capture() as capture:
        console.print(renderable)
    return [line.rstrip() for line in capture.get().splitlines()]


def item(post: int, author: int, text: str, **more: Any) -> dict[str, Any]:
    return {
        "post_id": str(post),
        "author_id": str(author),
        "created_at": "2026-05-01T10:00:00Z",
        "text": text,
        **more,
    }


def page(*items: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"items": list(items), "next": None, "prev": None, "state": "ready", **more}


def test_a_home_is_a_line_for_each_post() -> None:
    """In the order of the page, with who wrote it and what sets it apart."""
    lines = drawn(
        timeline(
            page(
                item(9, 2, "hello", edited=True, visibility="followers"),
                item(8, 1, "why", parent_id="7"),
                item(6, 3, "news", repost={"by": ["1", "2"], "original": "5"}),
            ),
            NAMES.__getitem__,
        )
    )
    assert len(lines) == 3
    assert "bob" in lines[0]
    assert lines[0].endswith("hello  post 9  edited  followers")
    assert lines[1].endswith("why  post 8  answers 7")
    assert lines[2].endswith("news  post 6  reposted by alice, bob")


def test_a_home_says_what_is_to_know_of_it() -> None:
    """That it is empty, that it is being built, how to go on."""
    assert drawn(timeline(page())) == ["nothing here"]
    building = drawn(timeline(page(item(1, 9, "x"), state="building", next="abc")))
    assert "being built" in building[1]
    assert building[2] == "older: --before abc"
    assert "user 9" in building[0]


def test_a_thread_is_a_tree() -> None:
    """Each post stands below the one it answers, in the order that the API gave."""
    lines = drawn(
        thread(
            page(
                item(1, 1, "root", depth=-1),
                item(2, 2, "asked for", depth=0),
                item(3, 3, "first", depth=1),
                item(4, 1, "below first", depth=2, truncated=3),
                item(5, 2, "second", depth=1, hidden=1),
            ),
            NAMES.__getitem__,
        )
    )
    starts = [line[: line.index(word)] for line, word in zip(lines, WORDS, strict=True)]
    indents = [start.count("    ") + start.count("│   ") for start in starts]
    assert indents == [0, 0, 1, 2, 1]
    assert "◀" in lines[1]
    assert lines[3].endswith("post 4  3 more replies")
    assert lines[4].endswith("post 5  1 hidden")


WORDS = ("alice", "└── bob", "├── carol", "└── alice", "└── bob")


def test_placeholders_keep_their_place_and_show_nothing() -> None:
    """A deleted post is a kind in brackets, and its replies hang from it."""
    lines = drawn(
        thread(
            page(
                {"post_id": "1", "depth": 0, "placeholder": "deleted"},
                item(2, 2, "reply", depth=1),
            )
        )
    )
    assert lines[0].lstrip().startswith("(deleted)  ◀  post 1")
    assert lines[1].lstrip().startswith("└── user 2  reply")


def test_roots_without_a_common_one_stand_side_by_side() -> None:
    """Whatever depths arrive, every item is drawn."""
    items = [item(n, 1, f"post-{n}", depth=depth) for n, depth in enumerate([3, 1, 1, 5, 0], 1)]
    text = "\n".join(drawn(thread(page(*items))))
    assert all(f"post-{n}" in text for n in range(1, 6))


def test_an_explanation_says_verdict_rule_and_path() -> None:
    """In that order; what the API leaves out is left out."""
    body = {"shown": False, "rule": 3, "reason": None, "path": "pushed author", "stored": True}
    assert drawn(explanation(body)) == [
        "verdict  hidden",
        "rule     3",
        "path     pushed author",
        "stored   yes",
    ]


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("\x1b[31mred\x07", "�[31mred�"),
        ("turned\u202eround", "turned�round"),
        ("two\n lines\tand a tab", "two lines and a tab"),
        ("[bold]markup[/bold]", "[bold]markup[/bold]"),
        ("plain é 村", "plain é 村"),
    ],
)
def test_words_of_strangers_only_draw_themselves(words: str, shown: str) -> None:
    """No escape sequence, no control, no markup takes effect."""
    assert clean(words) == shown
    assert shown in drawn(timeline(page(item(1, 1, words))))[0]


def test_a_dead_letter_names_place_field_and_reason() -> None:
    """And the beginning of its value, whatever that holds."""
    headers = {
        "__connect.errors.topic": b"posts",
        "__connect.errors.partition": b"3",
        "__connect.errors.offset": b"14",
        "mingle.field": b"post_id",
        "mingle.reason": b"missing",
    }
    assert drawn(letter(headers, b'{"type":\xff "x' + b"y" * 300)) == [
        "topic   posts",
        "place   partition 3, offset 14",
        "field   post_id",
        "reason  missing",
        'value   {"type":� "x' + "y" * 188 + "…",
    ]
    assert drawn(letter({}, None))[-1] == "value   none"


def test_only_what_moved_is_shown() -> None:
    """Counters, gauges and counts; buckets and sums would drown them."""
    before = reading('timeline_rebalances_total 1\ntimeline_dead_letters_total{topic="posts"} 0\n')
    after = reading(
        "# TYPE timeline_handle_seconds histogram\n"
        'timeline_handle_seconds_bucket{agent="posts",le="+Inf"} 2\n'
        'timeline_handle_seconds_count{agent="posts"} 2\n'
        'timeline_handle_seconds_sum{agent="posts"} 0.5\n'
        "process_cpu_seconds_total 9\n"
        "timeline_rebalances_total 1\n"
        'timeline_dead_letters_total{topic="posts"} 1\n'
    )
    assert drawn(movements(before, after)) == [
        "timeline_handle_seconds_count agent=posts  0  →  2",
        "timeline_dead_letters_total topic=posts    0  →  1",
    ]
