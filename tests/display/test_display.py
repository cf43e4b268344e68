"""What the API answers, as it is drawn: each post once, in its place, and nothing else."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest
from rich.console import Console, RenderableType

from streams.display.dead_letter import dead_letter_panel
from streams.display.explanation import explanation_table
from streams.display.metric_changes import metric_changes, read_metrics
from streams.display.text import DisplayContext, clean
from streams.display.thread import thread_tree
from streams.display.timeline import timeline_list

NAMES = {"1": "alice", "2": "bob", "3": "carol"}
CONTEXT = DisplayContext(date(2026, 6, 1), NAMES.__getitem__)


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
    """In the order of the page, with the author and marks such as `edited`."""
    lines = drawn(
        timeline_list(
            page(
                item(9, 2, "hello", edited=True, visibility="followers"),
                item(8, 1, "why", parent_id="9"),
                item(6, 3, "news", repost={"by": ["1", "2"], "original": "5"}),
            ),
            CONTEXT,
        )
    )
    assert [line.split() for line in lines] == [
        ["01", "May", "2026", "bob", "hello", "edited", "followers", "9"],
        ["01", "May", "2026", "alice", "why", "answers", "bob", "8"],
        ["01", "May", "2026", "carol", "news", "reposted", "by", "alice,", "bob", "6"],
    ]


def test_a_quote_names_what_it_quotes() -> None:
    """Its author and words, or what stands for it; in a home and in a thread alike."""
    quotes = (
        ({"post_id": "7", "item": item(7, 3, "news"), "placeholder": None}, "quotes carol: news"),
        ({"post_id": "7", "item": None, "placeholder": "deleted"}, "quotes a post (deleted)"),
        ({"post_id": "7", "item": None, "placeholder": None}, "quotes a post (7)"),
    )
    for quote, words in quotes:
        (line,) = drawn(timeline_list(page(item(9, 2, "look", quote=quote)), CONTEXT))
        assert f"look  {words}" in line
        place = {"depth": 0, "placeholder": None, "truncated": 0, "hidden": 0}
        (line,) = drawn(thread_tree(page(item(9, 2, "look", quote=quote, **place)), CONTEXT))
        assert f"{words}" in line


def test_a_home_says_what_is_to_know_of_it() -> None:
    """That it is empty, that it is being built, and how to continue."""
    assert drawn(timeline_list(page(), CONTEXT)) == ["nothing here"]
    for unread, words in ((1, "1 post is"), (2, "2 posts are"), (100, "at least 100 posts are")):
        (line,) = drawn(timeline_list(page(unread=unread), CONTEXT))[1:]
        assert line == f"{words} newer than the read mark"
    gap = {"from": "3", "to": "1", "cursor": "def"}
    more = page(item(1, 1, "x", parent_id="7"), state="building", next="abc", gap=gap)
    lines = drawn(timeline_list(more, CONTEXT))
    assert "an answer" in lines[0]
    assert "being built" in lines[1]
    assert lines[2:] == [
        "more in between: --before def, same --newer-than",
        "older: --before abc",
    ]


def test_people_without_names_and_times_of_today() -> None:
    """An id stands for a missing name, and today's times have no date."""
    look = DisplayContext(datetime(2026, 5, 1, 10, tzinfo=UTC).astimezone().date())
    [line] = drawn(timeline_list(page(item(1, 9, "x")), look))
    assert re.match(r"\d\d:00  user 9  x +1$", line)


def test_a_thread_is_a_tree() -> None:
    """Each post is below its parent, in the API's order."""
    lines = drawn(
        thread_tree(
            page(
                item(1, 1, "root", depth=-1),
                item(2, 2, "asked for", depth=0),
                item(3, 3, "first", depth=1),
                item(4, 1, "below first", depth=2, truncated=3),
                item(5, 2, "second", depth=1, hidden=1),
            ),
            CONTEXT,
        )
    )
    starts = [line[: line.index(word)] for line, word in zip(lines, WORDS, strict=True)]
    indents = [start.count("    ") + start.count("│   ") for start in starts]
    assert indents == [0, 0, 1, 2, 1]
    assert "▶ bob  asked for" in lines[1]
    assert "3 more replies" in lines[3]
    assert "1 hidden" in lines[4]
    assert [line.split()[-1] for line in lines] == ["1", "2", "3", "4", "5"]


WORDS = ("alice", "└── ▶ bob", "├── carol", "└── alice", "└── bob")


def test_placeholders_keep_their_place_and_show_nothing() -> None:
    """A deleted post is shown as its kind in brackets, above its replies."""
    lines = drawn(
        thread_tree(
            page(
                {"post_id": "1", "depth": 0, "placeholder": "deleted"},
                item(2, 2, "reply", depth=1),
            ),
            CONTEXT,
        )
    )
    assert lines[0].lstrip().startswith("▶ (deleted)")
    assert lines[1].lstrip().startswith("└── bob  reply")


def test_roots_without_a_common_one_stand_side_by_side() -> None:
    """Whatever depths arrive, every item is drawn."""
    items = [item(n, 1, f"post-{n}", depth=depth) for n, depth in enumerate([3, 1, 1, 5, 0], 1)]
    text = "\n".join(drawn(thread_tree(page(*items), CONTEXT)))
    assert all(f"post-{n}" in text for n in range(1, 6))


def test_an_explanation_says_the_rule_and_the_reason_in_sentences() -> None:
    """Behind the number and the word by which they are known."""
    body = {"shown": True, "rule": 2, "sentence": "Home shows.", "reason": "followed"}
    assert drawn(explanation_table(body | {"detail": "The viewer does.", "stored": False})) == [
        "verdict  shown",
        "rule     2: Home shows.",
        "reason   followed: The viewer does.",
        "stored   no",
    ]


def test_an_explanation_says_verdict_rule_and_path() -> None:
    """In that order; what the API leaves out is left out."""
    body = {"shown": False, "rule": 3, "reason": None, "path": "pushed author", "stored": True}
    assert drawn(explanation_table(body)) == [
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
    assert shown in drawn(timeline_list(page(item(1, 1, words)), CONTEXT))[0]


def test_headers_of_a_dead_letter_are_text() -> None:
    """Also on a console that takes markup, as the demo's."""
    headers = {f"__connect.errors.{each}": b"[b]x[/y]" for each in ("topic", "partition", "offset")}
    lines = drawn(dead_letter_panel(headers, b"[/x]"))
    assert lines[:2] == ["topic   [b]x[/y]", "place   partition [b]x[/y], offset [b]x[/y]"]
    assert lines[-1] == "value   [/x]"


def test_a_dead_letter_names_place_field_and_reason() -> None:
    """With the beginning of its value, whatever that holds."""
    headers = {
        "__connect.errors.topic": b"posts",
        "__connect.errors.partition": b"3",
        "__connect.errors.offset": b"14",
        "mingle.field": b"post_id",
        "mingle.reason": b"missing",
    }
    assert drawn(dead_letter_panel(headers, b'{"type":\xff "x' + b"y" * 300)) == [
        "topic   posts",
        "place   partition 3, offset 14",
        "field   post_id",
        "reason  missing",
        'value   {"type":� "x' + "y" * 188 + "…",
    ]
    assert drawn(dead_letter_panel({}, None))[-1] == "value   none"


def test_only_what_moved_is_shown() -> None:
    """Counters, gauges and counts; buckets and sums would be too many."""
    before = read_metrics(
        'timeline_rebalances_total 1\ntimeline_dead_letters_total{topic="posts"} 0\n'
    )
    after = read_metrics(
        "# TYPE timeline_handle_seconds histogram\n"
        'timeline_handle_seconds_bucket{agent="posts",le="+Inf"} 2\n'
        'timeline_handle_seconds_count{agent="posts"} 2\n'
        'timeline_handle_seconds_sum{agent="posts"} 0.5\n'
        "process_cpu_seconds_total 9\n"
        "timeline_rebalances_total 1\n"
        'timeline_dead_letters_total{topic="posts"} 1\n'
    )
    assert drawn(metric_changes(before, after)) == [
        "timeline_handle_seconds_count agent=posts  0  →  2",
        "timeline_dead_letters_total topic=posts    0  →  1",
    ]
