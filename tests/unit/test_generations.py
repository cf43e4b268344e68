"""What may become of generations of homes, and what is refused."""

from collections.abc import Callable

import msgspec
import pytest

from services.generations.generations import (
    MAX_VOIDED,
    ORIGINAL,
    GenerationRefused,
    Generations,
)
from services.storage.generation_tables import FIRST, statement_of_generation
from services.storage.statements import select

FILLING = ORIGINAL.add("b", "replay")
WHOLE = FILLING.mark_filled("b", "replay")
CUT_OVER = WHOLE.cutover("b")


def names(known: Generations) -> list[str]:
    return [each.name for each in known.written]


def test_all_that_are_listed_are_written_until_they_retire() -> None:
    """And one is read, from before until after."""
    assert (names(FILLING), FILLING.live) == ([FIRST, "b"], FIRST)
    assert (names(CUT_OVER), CUT_OVER.live) == ([FIRST, "b"], "b")
    back = CUT_OVER.rollback()
    assert (names(back), back.live) == ([FIRST, "b"], FIRST)
    retiring = CUT_OVER.retire(FIRST)
    assert (names(retiring), len(retiring.listed)) == (["b"], 2)
    assert [each.name for each in retiring.remove(FIRST).listed] == ["b"]
    assert CUT_OVER.remove(FIRST) is CUT_OVER


def test_every_change_has_a_number_and_no_change_has_none() -> None:
    changes = [ORIGINAL, FILLING, WHOLE, CUT_OVER, CUT_OVER.rollback()]
    assert [each.number for each in changes] == [0, 1, 2, 3, 4]
    assert FILLING.add("b", "replay") is FILLING
    assert WHOLE.add("b", "replay") is WHOLE
    assert WHOLE.mark_filled("b", "replay") is WHOLE
    assert CUT_OVER.cutover("b") is CUT_OVER
    assert (retiring := CUT_OVER.retire(FIRST)).retire(FIRST) is retiring


def test_lists_without_void_plans_are_read_by_releases_that_do_not_know_them() -> None:
    """And those that have any keep the newest."""
    assert b"voided" not in msgspec.json.encode(CUT_OVER)
    assert b"voided" not in msgspec.json.encode(CUT_OVER.retire(FIRST).remove(FIRST))
    known = ORIGINAL
    for number in range(MAX_VOIDED + 1):
        known = known.add("b", f"replay-{number}").retire("b").remove("b")
    known.expect_valid("replay-0")
    assert msgspec.json.decode(msgspec.json.encode(known), type=Generations) == known
    for number in range(1, MAX_VOIDED + 1):
        with pytest.raises(GenerationRefused, match="void"):
            known.add("b", f"replay-{number}")


def test_a_name_that_is_free_again_is_another_generation() -> None:
    """Whoever remembers something of the old one has to know."""
    old = FILLING.get("b")
    anew = FILLING.retire("b").remove("b").add("b", "another").get("b")
    assert old
    assert anew
    assert old.key != anew.key


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda: ORIGINAL.cutover("b"), "no generation b"),
        (lambda: FILLING.cutover("b"), "not whole"),
        (lambda: FILLING.add("b", "other"), "there already"),
        (lambda: FILLING.retire("b").add("b", "replay"), "there already"),
        (lambda: FILLING.add("c", "c").add("d", "d"), "retire one"),
        (lambda: FILLING.mark_filled("b", "other"), "not filled by"),
        (lambda: FILLING.retire("b").mark_filled("b", "replay"), "no generation b"),
        (WHOLE.rollback, "go back"),
        (lambda: CUT_OVER.rollback().rollback(), "go back"),
        (lambda: CUT_OVER.retire(FIRST).rollback(), "go back"),
        (lambda: CUT_OVER.retire("b"), "is read"),
        (lambda: CUT_OVER.retire("c"), "no generation c"),
        (lambda: CUT_OVER.retire(FIRST).cutover(FIRST), "no generation first"),
    ],
)
def test_what_would_show_less_is_refused(change: Callable[[], Generations], said: str) -> None:
    with pytest.raises(GenerationRefused, match=said):
        change()


def test_a_statement_of_a_generation_names_its_tables_and_metrics_do_not() -> None:
    asked = select("home_timeline", "page", "post_id", "WHERE user_id = ?")
    assert statement_of_generation(asked, FIRST) == asked
    of_b = statement_of_generation(asked, "b")
    assert "{keyspace}.home_timeline_b WHERE" in of_b.cql
    assert of_b.table == "home_timeline"
