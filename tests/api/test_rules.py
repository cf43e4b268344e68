"""The rules as the documentation, the code and the API's document have them."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest

from services.readers.home import DeliveryPath
from services.visibility.rules import RULES, VerdictReason
from tests.api.village import api_on, client_of, memory

TEXT = (Path(__file__).parents[2] / "docs/rules.md").read_text()
SENTENCES = {
    int(number): sentence
    for number, sentence in re.findall(r"^### Rule (\d+)\n\n(.+)$", TEXT, re.MULTILINE)
}


@pytest.fixture
async def explanation() -> dict[str, Any]:
    """The fields of the answer of `explain`, in the API's document."""
    async with client_of(api_on(memory())) as client:
        document = (await client.get("/openapi.json")).json()
    properties: dict[str, Any] = document["components"]["schemas"]["Explanation"]["properties"]
    return properties


def test_every_rule_is_documented() -> None:
    """In the order of their numbers."""
    assert list(SENTENCES) == list(range(1, 33))


def test_a_rule_has_one_sentence() -> None:
    """The one that a verdict tells is the one that the documentation begins with."""
    told = {number: rule.sentence for number, rule in RULES.items()}
    assert told == {number: SENTENCES[number] for number in RULES}


def test_the_table_of_reasons_is_the_codes() -> None:
    """Rule by rule, sentences and all."""
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| (.+) \|$", TEXT, re.MULTILINE)
    assert rows == [
        (str(number), reason, sentence)
        for number, rule in RULES.items()
        for reason, sentence in rule.reasons.items()
    ]


def test_every_reason_belongs_to_a_rule() -> None:
    assert {each for rule in RULES.values() for each in rule.reasons} == {*get_args(VerdictReason)}


def test_the_document_lists_every_reason(explanation: dict[str, Any]) -> None:
    """As the closed set that it is."""
    assert set(explanation["reason"]["enum"]) == {*get_args(VerdictReason)}


def test_the_document_lists_every_path(explanation: dict[str, Any]) -> None:
    """Or none, where a post is not owed."""
    path, none = explanation["path"]["anyOf"]
    assert set(path["enum"]) == {*get_args(DeliveryPath)}
    assert none == {"type": "null"}


def test_rules_are_cited_by_numbers_that_exist() -> None:
    """Within the documentation itself."""
    cited = {int(number) for number in re.findall(r"[Rr]ules? (\d+)", TEXT)}
    assert cited <= SENTENCES.keys()
