"""Bad input, the brake and the way back, on the real servers."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from schemas.codec import Message, encode
from schemas.events import FollowCreated, PostCreated
from schemas.ids import DEFAULT_EPOCH, PostId, UserId, post_id
from streams.cli import main
from streams.dead_letters.reader import DeadLetterReader
from streams.dead_letters.stored import StoredDeadLetter
from streams.delivery.brake.rule import BrakeLimits
from streams.outbox import Outgoing
from tests.e2e.comparison import compare_all, connected
from tests.e2e.groups import empty_groups
from tests.e2e.pipeline import Pipeline, as_environment
from tests.e2e.site import Site
from tests.e2e.village import START, model_of, post_at

LATER_EPOCH = 1_262_304_000_000
"""2010: ids that were minted with it are ten years off for a worker that does not know."""
ALICE, BOB = UserId(1), UserId(2)
ROW = BrakeLimits().consecutive
AFTER = 100
BRAKED = f"topic posts is braked: {ROW} dead letters in a row"
STRANGE = ("--reason", "not_of_its_time")
STOP_SECONDS = 10.0

pytestmark = [pytest.mark.e2e]


def post(number: int, epoch: int = DEFAULT_EPOCH) -> PostCreated:
    at = START + number
    return post_at(at, number, ALICE, post_id=post_id(at, number, epoch))


def raw(value: bytes | None, key: bytes | None = b"1") -> Outgoing:
    return Outgoing("posts", key, value, [("trace", b"7")], START)


def said(**fields: Any) -> bytes:
    """A good post as JSON, but for these fields."""
    return json.dumps(json.loads(encode(post(9_999)).value) | fields).encode()


class Bad(NamedTuple):
    message: Outgoing
    field: str
    reason: str


BAD = {
    "random bytes": Bad(raw(bytes(range(128, 256))), "value", "not_utf8"),
    "truncated": Bad(raw(said()[:-7]), "value", "not_json"),
    "no object": Bad(raw(b"[1, 2]"), "value", "not_an_object"),
    "wrong type": Bad(raw(said(text=5)), "text", "wrong_type"),
    "unknown type": Bad(raw(said(type="post.liked")), "type", "unknown_type"),
    "null value": Bad(raw(None), "value", "null_value"),
    "null key": Bad(raw(said(), None), "key", "null_key"),
    "nothing at all": Bad(raw(None, None), "value", "null_value"),
    "another's key": Bad(raw(said(), b"2"), "key", "key_mismatch"),
    "id out of range": Bad(raw(said(author_id=2**63)), "author_id", "out_of_range"),
    "far ahead": Bad(raw(said(version=START * 2_000)), "version", "too_far_ahead"),
    "over-long": Bad(raw(said(text="x" * 10_001)), "text", "too_long"),
    "64 KiB and more": Bad(raw(said(text="x" * 65_536)), "value", "too_large"),
    "lone surrogate": Bad(raw(said(text="\ud800")), "value", "not_json"),
    "deep nesting": Bad(raw(b"[" * 30_000 + b"]" * 30_000), "value", "not_json"),
    "NaN": Bad(raw(said(version=float("nan"))), "value", "not_json"),
}


def interleaved() -> Iterator[tuple[Message, Outgoing]]:
    """A good message, a bad one, and so on."""
    for number, bad in enumerate(BAD.values()):
        yield post(number), bad.message


def dead_letters(pipeline: Pipeline) -> list[StoredDeadLetter]:
    with DeadLetterReader(pipeline.settings.brokers) as reader:
        return [each for span in reader.spans(["posts-dlq"]) for each in reader.dead_letters(span)]


def stored(pipeline: Pipeline, *posts: PostId) -> list[bool]:
    async def load() -> list[bool]:
        async with connected(pipeline.settings) as deps:
            known = await deps.stores.posts.load(posts)
            return [post in known for post in posts]

    return asyncio.run(load())


def mingle(pipeline: Pipeline, *arguments: str, code: int = 0) -> str:
    """What the command prints, in this process: another takes longer to start than to do it."""
    wanted = {"kafka_bootstrap", "cassandra_port", "cassandra_keyspace"}
    given = as_environment(pipeline.settings.model_dump(include=wanted))
    done = CliRunner(env=given).invoke(main, ["dead-letters", *arguments])
    assert done.exit_code == code, done.output
    return done.stderr if code else done.stdout


def why(dead_letter: StoredDeadLetter) -> tuple[str, str]:
    last = dead_letter.failures()[-1]
    return last.field, last.reason


def test_bad_input_the_brake_and_the_way_back(pipeline: Pipeline) -> None:
    """Bad messages never hold up good ones, until there are too many of them.

    Each is a dead letter with its bytes, where it came from and why; each good one is shown. Then
    500 in a row stop their topic, also for a worker that starts later, until an operator goes on.
    A dead letter whose cause is fixed goes back and is handled, with its own time and its history.
    """
    site = pipeline.start_site("a")
    every_bad_one_is_a_letter(pipeline)
    strange = what_fails_again_keeps_its_history(pipeline)
    the_brake_stops_at_the_500th(pipeline, site)
    pipeline.stop_worker("a", STOP_SECONDS)
    empty_groups(pipeline.settings.kafka_bootstrap)  # nobody waits until its place is free
    # Its cause is mended by the setting of a worker that is braked like the one before.
    pipeline.start_worker("b", metrics_port=site.port, epoch=LATER_EPOCH)
    it_holds_until_it_is_released(pipeline, site)
    what_is_mended_goes_back(pipeline, strange)


def every_bad_one_is_a_letter(pipeline: Pipeline) -> None:
    follow = FollowCreated(version=1, follower_id=BOB, followee_id=ALICE)
    good = [follow, *(each for each, _ in interleaved())]
    pipeline.handle([follow, *(each for pair in interleaved() for each in pair)], 60)
    assert compare_all(pipeline.settings, model_of(good)) > 0
    found = dead_letters(pipeline)
    assert len(found) == len(BAD)
    listed = {(each.key, each.value, *why(each)) for each in found}
    assert listed == {(bad.message.key, bad.message.value, *bad[1:]) for bad in BAD.values()}
    for each in found:
        (failure,) = each.failures()
        assert (failure.topic, failure.accepted_at) == ("posts", str(START))
        assert failure.error == "schemas.errors.SchemaViolation"
        assert each.own_headers() == [("trace", b"7")]
    assert len({(each.failures()[0][1:3]) for each in found}) == len(BAD)


def what_fails_again_keeps_its_history(pipeline: Pipeline) -> PostId:
    """The post that was minted with another epoch; its second dead letter is left."""
    strange = post(200, epoch=LATER_EPOCH)
    pipeline.handle([Outgoing(*encode(strange), [("trace", b"8")], START)], 60)
    assert "1 dead letter would be redriven" in mingle(pipeline, "redrive", *STRANGE)
    assert "1 dead letter redriven" in mingle(pipeline, "redrive", *STRANGE, "--apply")
    pipeline.drain(60)
    (again,) = map(json.loads, mingle(pipeline, "list", "--json", *STRANGE).splitlines())
    assert again["burials"] == 2
    (shown,) = (each for each in dead_letters(pipeline) if str(each.id) == again["id"])
    first, second = shown.failures()
    assert first.accepted_at == second.accepted_at == str(START)
    assert first.offset != second.offset
    assert shown.own_headers() == [("trace", b"8")]
    return PostId(strange.post_id)


def the_brake_stops_at_the_500th(pipeline: Pipeline, site: Site) -> None:
    pipeline.handle([post(99)], 60)  # whatever died last, the row begins anew
    before = len(dead_letters(pipeline))
    spam = [raw(b"spam") for _ in range(ROW + AFTER)]
    pipeline.publish([*spam, post(100, epoch=LATER_EPOCH)])
    pipeline.until(lambda: site.has_problem(BRAKED))
    assert site.problems("livez") == []
    assert len(dead_letters(pipeline)) == before + ROW
    assert site.total("timeline_topics_braked", reason="row", topic="posts") == 1


def it_holds_until_it_is_released(pipeline: Pipeline, site: Site) -> None:
    pipeline.until(lambda: site.has_problem(BRAKED))
    before = len(dead_letters(pipeline))
    pipeline.publish([FollowCreated(version=2, follower_id=BOB, followee_id=UserId(3))])
    pipeline.until(lambda: not pipeline.lag("ingest", ["follows"]))
    assert pipeline.lag("ingest", ["posts"]) == AFTER + 1
    assert mingle(pipeline, "resume") == (
        f"posts goes on; it was braked for {ROW} dead letters in a row\n"
    )
    pipeline.drain(60)
    assert site.problems() == []
    assert len(dead_letters(pipeline)) == before + AFTER
    assert mingle(pipeline, "resume") == "no topic is braked\n"
    assert mingle(pipeline, "resume", "posts", code=1).endswith("Error: posts is not braked\n")


def what_is_mended_goes_back(pipeline: Pipeline, strange: PostId) -> None:
    held = post(100, epoch=LATER_EPOCH).post_id
    assert stored(pipeline, strange, held) == [False, True]
    mingle(pipeline, "redrive", *STRANGE, "--apply")
    pipeline.drain(60)
    assert stored(pipeline, strange) == [True]
    assert mingle(pipeline, "list", "--json", *STRANGE) == ""
    assert len(mingle(pipeline, "list", "--json", *STRANGE, "--all").splitlines()) == 2
    mingle(pipeline, "drop", "--field", "text", "--apply")
    assert mingle(pipeline, "list", "--json", "--field", "text") == ""
