"""The model is held to the table of cases, and to the law."""

import pickle
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.ids import DAY_MS
from services.ranking.weights import SIGNAL as WEIGHTS
from tests.cases import CASES
from tests.cases.told import (
    NOW,
    Around,
    Case,
    CaughtUp,
    Entry,
    Explained,
    Found,
    Home,
    Listed,
    Mentioned,
    Ordered,
    Page,
    Post,
    Quoted,
    Quotes,
    Tagged,
    Talks,
    Thread,
    Waiting,
)
from tests.histories import NOW as THEN
from tests.histories import POSTS, READER, VIEWERS, Fact, chances, log
from tests.model import Model
from tests.relation_histories import LISTS, TAGS, WINDOW_POSTS, whole_histories

EVERY = frozenset[str]()
"""Nothing is pending here: the model is asked for all rules."""


def ids(items: list[dict[str, Any]] | None) -> list[int] | None:
    return None if items is None else [item["post_id"] for item in items]


def entry(items: list[dict[str, Any]], post: int) -> Any:
    """What a case says of an item in home."""
    for item in items:
        if item["post_id"] == post:
            by = item["repost"]["by"] if item["repost"] else []
            return by, item["reason"]["kind"], item["reason"]["by"], item["warn"]
    return None


def answer(model: Model, case: Case) -> Any:  # noqa: PLR0911 - one for each question
    """The model's answer in the case's words."""
    match case.ask:
        case Home(viewer):
            return ids(model.home(viewer))
        case Entry(viewer, post):
            return entry(model.home(viewer), post)
        case Explained(viewer, post):
            return model.explain(viewer, post)
        case Thread(viewer, post):
            rows = model.thread(viewer, post)
            fields = ("post_id", "depth", "placeholder", "hidden")
            return rows and [tuple(row[field] for field in fields) for row in rows]
        case Post(viewer, post):
            item = model.post(viewer, post)
            return item and item["text"]
        case Page(viewer, author, replies):
            return ids(model.author_page(viewer, author, replies))
        case _:
            return listing(model, case)


def listing(model: Model, case: Case) -> Any:  # noqa: PLR0911 - one for each question
    """Answers about lists, tags, search and quotes."""
    match case.ask:
        case Listed(viewer, list_id):
            return ids(model.list_timeline(viewer, list_id))
        case Tagged():
            return ids(model.tag_timeline(*case.ask))
        case Found(viewer, text, by):
            return ids(model.search(viewer, text, **dict(by)))
        case Quotes(viewer, post):
            return ids(model.quotes(viewer, post))
        case Quoted(viewer, post, in_home):
            shown = model.home(viewer or 0) if in_home else [model.post(viewer, post)]
            quote = next(each for each in shown if each and each["post_id"] == post)["quote"]
            if not quote:
                return None
            item = quote["item"]
            return item and item["text"], quote["placeholder"], bool(item and item["quote"])
        case CaughtUp(viewer):
            return model.news_lines(viewer)
        case Ordered(viewer):
            return [post for post, _ in model.signal(viewer, WEIGHTS)]
        case _:
            return talk(model, case)


def talk(model: Model, case: Case) -> Any:
    """Answers about who is spoken to and takes part."""
    match case.ask:
        case Mentioned(viewer):
            return [(item["post_id"], item["why"]) for item in model.mentions(viewer)]
        case Waiting(viewer):
            return ids(model.unanswered(viewer))
        case Around(viewer):
            return model.conversants(viewer)
        case Talks(viewer):
            talks = model.conversations(viewer)
            return [(each["root_id"], each["new"], each["participants"]) for each in talks]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}: {case.claim}")
def test_the_model_gives_what_the_case_says(case: Case) -> None:
    """In the order told, and in the reverse."""
    for facts in (case.log, case.log[::-1]):
        model = Model(log(facts), NOW, case.retention * DAY_MS, EVERY)
        assert answer(model, case) == case.answer


def test_no_two_cases_are_one() -> None:
    """Each has a claim of its own."""
    names = [(case.rule, case.claim) for case in CASES]
    assert len(names) == len(set(names))


def everything(facts: list[Fact]) -> list[Any]:
    """All that anybody can read."""
    model, posts = Model(log(facts), THEN, 30 * DAY_MS, EVERY), (*POSTS, *WINDOW_POSTS)
    shown: list[Any] = []
    for viewer in VIEWERS:
        shown += [model.thread(viewer, post) for post in posts]
        shown += [model.post(viewer, post) for post in posts]
        shown += [model.tag_timeline(viewer, [tag]) for tag in TAGS]
        shown.append(model.search(viewer, "a"))
        if viewer is not None:
            shown.append(model.home(viewer))
            shown += [model.list_timeline(viewer, each) for each in LISTS]
    return shown


@settings(max_examples=40, deadline=None)
@given(whole_histories(), chances)
def test_the_model_is_a_function_of_the_set(facts: list[Fact], chance: Random) -> None:
    """Whatever the order, and however often a fact is told."""
    again = chance.sample(facts, chance.randint(0, len(facts)))
    assert everything(facts) == everything(chance.sample([*facts, *again], len(facts + again)))


@settings(max_examples=60, deadline=None)
@given(whole_histories(), st.sampled_from((1, 2, READER)))
def test_what_the_model_explains_is_what_it_shows(facts: list[Fact], viewer: int) -> None:
    """And a home has each post once, the newest first, and nothing that may not be read."""
    model = Model(log(facts), THEN, 30 * DAY_MS, EVERY)
    home = [item["post_id"] for item in model.home(viewer)]
    assert home == sorted(set(home), reverse=True)
    for post in (*POSTS, *WINDOW_POSTS):
        why = model.explain(viewer, post)
        assert (why is not None and why[0]) == (post in home)
        assert post not in home or model.readable(viewer, post)


def test_the_model_can_be_sent_to_other_processes() -> None:
    """The proofs on real servers compare in several, and fail long after they began otherwise."""
    pickle.dumps(Model([], NOW))
