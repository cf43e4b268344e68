"""Data sets of the past become messages that the codec admits, the same ones every time."""

import csv
import gzip
import os
from collections import Counter
from pathlib import Path

import pytest

from schemas.codec import decode, encode
from schemas.events import FollowCreated, PostCreated, ReplyCreated
from schemas.ids import DEFAULT_EPOCH, post_id, post_time
from streams.publishing.datasets import (
    follow_messages,
    irc_messages,
    pheme_messages,
    post_messages,
)

DATA = Path(os.environ.get("MINGLE_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
NOW = 1_700_000_000_000
HEADER = "post_id,user_id,ts,kind,parent_id,root_id,text_len,event,lang"
needs_data = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"no data sets in {DATA}: set MINGLE_TEST_DATA"
)


def posts(*rows: str) -> list[PostCreated | ReplyCreated]:
    return list(post_messages([HEADER, *rows]))


def test_a_follow_has_a_time_before_every_post() -> None:
    """The source has no follow times: all are before the first post of any set."""
    [follow] = follow_messages(["follower_id,followee_id", "2,45385"])
    assert follow == FollowCreated(version=1_072_915_200_000_000, follower_id=2, followee_id=45385)


def test_ids_and_versions_come_from_the_time_and_the_number() -> None:
    """Two readings of one row are one post."""
    [post] = posts("7,48614,1407634214,post,,7,5,ferguson,en")
    assert post.post_id == post_id(1_407_634_214_000, 7)
    assert post.version == 1_407_634_214_000_000
    assert (post.author_id, post.lang) == (48614, "en")


def test_a_text_has_the_length_that_it_had() -> None:
    """The words are made up, their number of characters is not."""
    long = posts("1,1,1407634214,post,,1,20000,ferguson,en")[0]
    short = [posts(f"{n},1,1407634214,post,,{n},30,ferguson,en")[0].text for n in (1, 2, 300)]
    assert len(long.text or "") == 10_000
    assert [len(text or "") for text in short] == [30, 30, 30]
    assert len(set(short)) == 3


def test_a_reply_names_its_parent_and_root() -> None:
    """Both as the ids that the parent's and the root's own rows got."""
    root, reply, deeper = posts(
        "1,10,1407634214,post,,1,5,ferguson,en",
        "2,11,1407634215,reply,1,1,5,ferguson,en",
        "3,12,1407634216,reply,2,1,5,ferguson,en",
    )
    assert isinstance(deeper, ReplyCreated)
    assert (deeper.parent_id, deeper.root_id) == (reply.post_id, root.post_id)


@pytest.mark.parametrize("parent", ["", "99"])
def test_a_reply_without_a_known_parent_answers_an_unknown_post(parent: str) -> None:
    """It keeps the root it names; the unknown parent is older and only its own."""
    root, one, two = posts(
        "1,10,1407634214,post,,1,5,ferguson,en",
        f"2,11,1407634215,reply,{parent},1,5,ferguson,en",
        f"3,12,1407634215,reply,{parent},1,5,ferguson,en",
    )
    assert isinstance(one, ReplyCreated)
    assert isinstance(two, ReplyCreated)
    assert one.root_id == two.root_id == root.post_id
    assert root.post_id < one.parent_id < one.post_id
    assert len({one.parent_id, two.parent_id, one.post_id, two.post_id}) == 4


def test_a_repost_names_its_original() -> None:
    """A repost is a post without text of its own."""
    original, repost = posts(
        "1,10,1407634214,post,,1,5,ferguson,en", "2,11,1407634215,repost,1,1,0,ferguson,en"
    )
    assert isinstance(repost, PostCreated)
    assert (repost.repost_of, repost.text) == (original.post_id, None)


@pytest.mark.parametrize(
    "row", ["x,1,1407634214,post,,1,5,e,en", "1,1,1407634214,like,,1,5,e,en", "1,2,3"]
)
def test_a_damaged_row_is_an_error(row: str) -> None:
    """No row is left out silently."""
    with pytest.raises(ValueError, match=r"invalid literal|neither|not enough"):
        posts(row)


@needs_data
def test_all_of_pheme_is_admitted() -> None:
    """Every row is a message, and the codec reads back what was written."""
    pheme = DATA / "pheme"
    kinds: Counter[str] = Counter()
    ids = set()
    for fact in pheme_messages(pheme / "pheme_follows.csv.gz", pheme / "pheme_posts.csv.gz"):
        topic, key, value = encode(fact)
        assert decode(topic, key, value, NOW) == fact
        kinds[topic] += 1
        if not isinstance(fact, FollowCreated):
            ids.add(fact.post_id)
    assert kinds == {"follows": 94_352, "posts": 45_570, "replies": 5_035}
    assert len(ids) == 50_605


@needs_data
def test_pheme_has_148_replies_to_posts_that_nobody_knows() -> None:
    """They are kept as replies: their roots are known, their parents are in no file."""
    path = DATA / "pheme" / "pheme_posts.csv.gz"
    with gzip.open(path, "rt") as lines:
        facts = list(post_messages(lines))
    known = {fact.post_id for fact in facts}
    replies = [fact for fact in facts if isinstance(fact, ReplyCreated)]
    unknown = [reply for reply in replies if reply.parent_id not in known]
    assert len(unknown) == len({reply.parent_id for reply in unknown}) == 148
    assert all(reply.root_id in known for reply in replies)


@needs_data
def test_all_of_irc_is_admitted_and_in_the_order_of_its_times() -> None:
    """Ids keep the order of the file, which is that of time; every parent is in it."""
    path = DATA / "irc_ubuntu" / "irc_posts.csv.gz"
    facts = list(irc_messages(path))
    with gzip.open(path, "rt") as lines:
        seconds = [int(row["ts"]) for row in csv.DictReader(lines)]
    assert [post_time(fact.post_id, DEFAULT_EPOCH) // 1_000 for fact in facts] == seconds
    known = {fact.post_id for fact in facts}
    assert all(fact.parent_id in known for fact in facts if isinstance(fact, ReplyCreated))
    assert sum(isinstance(fact, ReplyCreated) for fact in facts) == 56_648
