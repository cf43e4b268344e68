"""Words, tags, languages and bare links of many scripts, as the cases beside the data sets say."""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from schemas import relations
from tests.api.test_listings import ids
from tests.api.village import ALICE, BOB, NOW, Village, api_on, client_of

DATA = Path(os.environ.get("MINGLE_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
FILE = DATA / "words.json"
pytestmark = pytest.mark.skipif(
    not FILE.is_file(), reason=f"no words.json in {DATA}: set MINGLE_TEST_DATA"
)
OWN: Any = {"version": NOW * 1_000, "owner_id": ALICE}


def cases(kind: str) -> Any:
    """Return the mark that runs a test with every case of a kind."""
    found = json.loads(FILE.read_text())[kind] if FILE.is_file() else []
    return pytest.mark.parametrize(("given", "text", "expected"), found)


async def is_answered(village: Village, path: str, **asked: str) -> bool:
    """Return whether the village's only post is in a listing; a refusal has none."""
    async with client_of(api_on(village.stores)) as client:
        answer = await client.get(path, params=asked)
    return answer.status_code == 200 and bool(ids(answer.json()))


async def is_hidden(village: Village, phrase: str, text: str, *, whole: bool) -> bool:
    await village.follows(ALICE, BOB)
    await village.post(BOB, text=text)
    mute = relations.KeywordMuteCreated(**OWN, keyword_id=1, phrase=phrase, whole_word=whole)
    await village.says(mute)
    return not await is_answered(village, "/v1/users/1/home")


@cases("keyword")
async def test_keyword_mutes(village: Village, given: str, text: str, expected: bool) -> None:
    """A phrase of whole words hides a text or does not (7)."""
    assert await is_hidden(village, given, text, whole=True) == expected


@cases("part")
async def test_parts_of_words(village: Village, given: str, text: str, expected: bool) -> None:
    """So does a phrase that may be a part of a word."""
    assert await is_hidden(village, given, text, whole=False) == expected


@cases("search")
async def test_search(village: Village, given: str, text: str, expected: bool) -> None:
    """Words find a text or do not (18)."""
    await village.post(BOB, text=text)
    assert await is_answered(village, "/v1/search", q=given) == expected


@cases("tags")
async def test_tags(village: Village, given: str, text: str, expected: bool) -> None:
    """A tag is another or the same (17)."""
    await village.post(BOB, tags=[text])
    assert await is_answered(village, f"/v1/tags/{quote(given, safe='')}") == expected


@cases("languages")
async def test_languages(village: Village, given: str, text: str, expected: bool) -> None:
    """A follow edge's language covers that of a post or does not (7)."""
    await village.follows(ALICE, BOB, languages=(given,))
    await village.post(BOB, lang=text)
    assert await is_answered(village, "/v1/users/1/home") == expected


@cases("bare")
async def test_bare_links(village: Village, given: str, text: str, expected: bool) -> None:
    """A text with a link (second) is a bare link or is not (7)."""
    await village.follows(ALICE, BOB)
    await village.says(relations.SettingsChanged(**OWN, bare_links=False))
    await village.post(BOB, text=given, links=[text])
    assert await is_answered(village, "/v1/users/1/home") != expected
