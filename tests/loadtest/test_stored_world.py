"""The posts that reading is measured on, before they are stored."""

from itertools import islice

import numpy as np

from loadtest.searches import search_cases
from loadtest.stored_world import make_world, stored_posts
from schemas.codec import encode
from schemas.events import PostCreated, ReplyCreated
from schemas.ids import DEFAULT_EPOCH

NOW = 1_760_000_000_000
POSTS = 3_000


def test_the_same_seed_stores_the_same_posts() -> None:
    """So a keyspace that was filled before can be measured again."""
    made = make_world(POSTS, 7, NOW)
    said = [encode(each.fact) for each in stored_posts(made, 7, DEFAULT_EPOCH)]
    assert said == [
        encode(each.fact) for each in stored_posts(make_world(POSTS, 7, NOW), 7, DEFAULT_EPOCH)
    ]
    assert said != [
        encode(each.fact) for each in stored_posts(make_world(POSTS, 8, NOW), 8, DEFAULT_EPOCH)
    ]


def test_posts_carry_the_hints_that_workers_would_write() -> None:
    """Ancestors of a reply, nearest first; of a repost, its original and the ancestors of that."""
    written = {
        each.fact.post_id: each
        for each in stored_posts(make_world(POSTS, 1, NOW), 1, DEFAULT_EPOCH)
    }
    kinds = {"post": 0, "reply": 0, "repost": 0, "repost of a reply": 0}
    for each in written.values():
        above = None
        if isinstance(each.fact, ReplyCreated):
            above = each.fact.parent_id
            kinds["reply"] += 1
            assert each.ancestor_hint == (above, *written[above].ancestor_hint)
        elif isinstance(each.fact, PostCreated) and each.fact.repost_of is not None:
            above = each.fact.repost_of
            line = written[above].ancestor_hint
            kinds["repost of a reply" if line else "repost"] += 1
            assert each.original == above
            assert each.ancestor_hint == ((above, *line) if line else ())
        else:
            kinds["post"] += 1
        if above is not None:
            assert written[above].original is None, "nobody answers or reposts a repost"
    assert all(kinds.values()), kinds


def test_searches_ask_for_what_is_stored() -> None:
    """Words and tags of the posts, from the most common to words that do not occur."""
    made = make_world(POSTS, 1, NOW)
    texts = [
        (getattr(each.fact, "text", None) or "").split()
        for each in stored_posts(made, 1, DEFAULT_EPOCH)
    ]
    said = {word for text in texts for word in text}
    asked = {each.name: list(islice(each.requests, 5)) for each in search_cases(made, _rng())}
    assert all(ask["q"] in said for _, ask in asked["one of the ten commonest words"])
    assert not any(ask["q"] in said for _, ask in asked["a word that is nowhere"])
    assert all(ask["author"] in made.users for _, ask in asked["an author"])
    assert all(
        path.startswith("/v1/tags/tag") for path, _ in asked["one of the ten commonest tags"]
    )


def _rng() -> np.random.Generator:
    return np.random.default_rng(1)
