"""Texts as Unicode has them (7): one normal form, words, scripts without spaces, emoji."""

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

import regex

UNSPACED = ("CJK UNIFIED", "HIRAGANA", "KATAKANA", "THAI", "KHMER", "LAO", "MYANMAR")


def is_unspaced(char: str) -> bool:
    if len(char) != 1 or unicodedata.category(char)[0] not in "LM":
        return False
    return unicodedata.name(char, "").startswith(UNSPACED)


@lru_cache(10_000)
def normal(text: str) -> str:
    """NFKC_Casefold, step by step until nothing changes."""
    while True:
        seen = regex.sub(r"\p{Default_Ignorable_Code_Point}", "", text)
        next_ = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).casefold())
        if next_ == text:
            return text
        text = next_


def pieces(text: str) -> Iterator[str]:
    """UAX #29, and each character of a script without spaces by itself."""
    for piece in regex.split(r"(?V1w)\b", normal(text)):
        yield from piece if any(map(is_unspaced, piece)) else [piece]


def words(text: str) -> set[str]:
    """What finds a text: its words, its emoji, and two neighbours in a script without spaces."""
    cut = list(pieces(text))
    said = {each for each in cut if any(map(str.isalnum, each)) and not is_unspaced(each)}
    signs = {each for each in cut if regex.match(r"[\p{Extended_Pictographic}\p{RI}]", each)}
    return said | signs | {a + b for a, b in pairwise(cut) if is_unspaced(a) and is_unspaced(b)}


def count(text: str) -> int:
    """Words; a sentence without spaces has as many as it has characters."""
    return sum(any(map(str.isalnum, each)) for each in pieces(text))


def parts(text: str) -> set[str]:
    """What a text must hold besides: runs without spaces, and what is neither word nor emoji."""
    runs = {"".join(run) for run in regex.split(r"\0+", _apart(text))}
    alone = {t for t in normal(text).split() if not words(t) and not any(map(str.isalnum, t))}
    return (runs | alone) - {""}


def _apart(text: str) -> str:
    return "".join(each if is_unspaced(each) else "\0" for each in normal(text))


def contains(text: str, phrase: str, *, whole: bool) -> bool:
    """Rule 7: the phrase as a part of the text, or between the ends of words."""
    text, phrase = (" ".join(normal(each).split()) for each in (text, phrase))
    starts = [i for i in range(len(text)) if phrase and text.startswith(phrase, i)]
    if not whole:
        return bool(starts)
    ends = {match.start() for match in regex.finditer(r"(?V1w)\b", text)}
    first, last = is_unspaced(phrase[:1] or "-"), is_unspaced(phrase[-1:] or "-")
    return any(
        (first or start in ends) and (last or start + len(phrase) in ends) for start in starts
    )
