"""Texts in one normal form, and their words, against Unicode's own data and examples."""

import sys

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from schemas.normal_text import INVISIBLE, normal_text
from services.words import CutText, count_words, cut_text, normal_line, whole_phrase
from tests.model import text as model


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("Stra\u00dfe", "strasse"),
        ("\u1e9e", "ss"),
        ("\ufb01\uff21", "fia"),
        ("e\u0301", "\u00e9"),
        ("\u03a3\u03c2", "\u03c3\u03c3"),
        ("a\u00ad\u200b\ufe0fb", "ab"),
        ("\u2122", "tm"),
        ("\u0345", "\u03b9"),
        ("\u1fb3", "\u03b1\u03b9"),
        ("\U0001f468\u200d\U0001f469", "\U0001f468\U0001f469"),
    ],
)
def test_one_form(text: str, normal: str) -> None:
    """NFKC_Casefold, of single characters as DerivedNormalizationProps has it."""
    assert normal_text(text) == normal


def test_what_is_unseen_is_what_unicode_ignores() -> None:
    """Every Default_Ignorable_Code_Point and nothing else is dropped."""
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    ignored = regex.findall(r"\p{Default_Ignorable_Code_Point}", every)
    assert INVISIBLE.findall(every) == ignored
    assert normal_text("".join(ignored)) == ""


@given(st.text())
def test_a_normal_text_stays_as_it_is(text: str) -> None:
    """And the model has the same."""
    normal = normal_text(text)
    assert normal_text(normal) == normal == model.normal(text)


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("can't stop, 3.14!", CutText(["can't", "stop", "3.14"], [], [])),
        ("x\u0302y c++", CutText(["x\u0302y", "c"], [], [])),
        ("\u9ed2\u732b\u3002\u30e9\u30fc", CutText([], ["\u9ed2\u732b", "\u30e9\u30fc"], [])),
        ("t\u6064 ok", CutText(["t", "ok"], ["\u6064"], [])),
        ("\ud55c\uad6d\uc5b4", CutText(["\ud55c\uad6d\uc5b4"], [], [])),
        ("\U0001f1e9\U0001f1ea \u2603", CutText([], [], ["\U0001f1e9\U0001f1ea", "\u2603"])),
        ("++ -- _", CutText([], [], [])),
    ],
)
def test_a_text_is_cut_as_unicode_says(text: str, cut: CutText) -> None:
    """Into words, runs of scripts without spaces, emoji; signs are none of these."""
    assert cut_text(text) == cut


def test_no_letter_below_thai_is_of_a_script_without_spaces() -> None:
    """Texts of such letters are not looked at for runs; marks that Thai uses, too, are no runs."""
    low = "".join(map(chr, range(0x0E00)))
    assert cut_text(low + "\u732b").runs == ["\u732b"]
    assert cut_text("x\u0303y \u732b") == CutText(["x\u0303y"], ["\u732b"], [])


def test_words_of_scripts_without_spaces_are_counted_by_characters() -> None:
    """Without the marks upon them."""
    assert count_words("\u9ed2\u732b and \u0e14\u0e35") == 4


@pytest.mark.parametrize("phrase", ["a", "a b", "++", "\u732b", "\u732b a", "\u0e14\u0e35"])
@given(st.text(alphabet="ab +'_\u732b\u0e14\u0e35\u0302\U0001f408", max_size=8))
def test_a_whole_phrase_is_found_as_the_model_finds_it(phrase: str, text: str) -> None:
    """Between the ends of words, as far as there are any."""
    found = whole_phrase(phrase).search(normal_line(text)) is not None
    assert found == model.contains(text, phrase, whole=True)
