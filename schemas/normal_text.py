"""One form for what Unicode can write in several ways: NFKC_Casefold."""

import re
import unicodedata

INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Default_Ignorable_Code_Point, which no later version of Unicode makes smaller."""


def normal_text(text: str) -> str:
    """Return the form of all texts that differ in case, composition or what is unseen alone."""
    if text.isascii():
        return text.lower()
    while True:
        visible = INVISIBLE.sub("", text)
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible).casefold())
        if folded == text:
            return text
        text = folded
