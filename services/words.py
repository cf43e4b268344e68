"""Words as Unicode cuts them (UAX #29), of texts in their normal form.

Han, kana, Thai, Khmer, Lao and Burmese are written without spaces, and where their words end no
rule without a dictionary says: there each run of letters is looked at as a whole.
"""

from typing import Final, NamedTuple

import regex

from schemas.normal_text import normal_text

_SCRIPTS: Final = ("Han", "Hiragana", "Katakana", "Thai", "Khmer", "Lao", "Myanmar")
_OF_SCRIPTS: Final = "".join(rf"\p{{scx={script}}}" for script in _SCRIPTS)
_FIRST_UNSPACED: Final = "\u0e00"
"""Where the first of these scripts begins; some marks below it are used in them, too."""
_RUN: Final = regex.compile(rf"(?V1)[[{_OF_SCRIPTS}]&&[\w]&&[{_FIRST_UNSPACED}-\U0010ffff]]+")
_BOUNDARY: Final = regex.compile(r"(?V1w)\b")
_EMOJI: Final = regex.compile(r"[\p{Extended_Pictographic}\p{Regional_Indicator}]")
_MARK: Final = regex.compile(r"\p{M}")


class CutText(NamedTuple):
    """The pieces of a text: its words, its runs of scripts without spaces, its emoji."""

    words: list[str]
    runs: list[str]
    emoji: list[str]

    @property
    def found_by(self) -> frozenset[str]:
        """Terms that find the text: words, emoji, and of runs every two characters."""
        return frozenset(
            (*self.words, *self.emoji, *(pair for run in self.runs for pair in _pairs(run)))
        )


def cut_text(text: str) -> CutText:
    """Return the pieces of a text in its normal form."""
    runs: list[str] = []
    if text and max(text) >= _FIRST_UNSPACED:
        runs, text = _RUN.findall(text), _RUN.sub(" ", text)
    words, emoji = [], []
    for piece in _BOUNDARY.split(text):
        if piece[:1].isalnum() or any(map(str.isalnum, piece)):
            words.append(piece)
        elif not piece.isascii() and _EMOJI.match(piece):
            emoji.append(piece)
    return CutText(words, runs, emoji)


def count_words(text: str) -> int:
    """Return how many words a text in its normal form has; of a run each character is one."""
    words, runs, _ = cut_text(text)
    return len(words) + sum(len(_MARK.sub("", run)) for run in runs)


def normal_line(text: str) -> str:
    """Return the normal form of a text with one space wherever it has white space."""
    return " ".join(normal_text(text).split())


def whole_phrase(phrase: str) -> "regex.Pattern[str]":
    """Return the pattern of a phrase in its normal form that neither begins nor ends in a word.

    At an end without spaces it may.
    """
    before = "" if _RUN.match(phrase) else r"\b"
    after = "" if _RUN.match(phrase[-1:]) else r"\b"
    return regex.compile(rf"(?V1w){before}{regex.escape(phrase, literal_spaces=True)}{after}")


def _pairs(run: str) -> list[str]:
    return [run[place : place + 2] for place in range(len(run) - 1)]
