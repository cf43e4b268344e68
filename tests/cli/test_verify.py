"""`mingle verify` names what is damaged, once, alike in its table, its JSON and its exit code."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner, Result

from schemas.events import FollowCreated, PostCreated, ReplyCreated
from schemas.ids import PostId, UserId, post_id
from services.conversations.memory import MemoryConversations
from services.reposts.memory import MemoryReposts
from services.settings.settings import Settings
from services.timelines.memory import MemoryHomeGeneration
from streams import verification
from streams.bootstrap import Deps, create_metrics
from streams.cli import main, verify
from tests.histories import NOW, Fact
from tests.properties.world import World

ALICE, BOB, CAROL = map(UserId, (1, 2, 3))
ORIGINAL, REPOST, PLAIN, REPLY = (PostId(post_id(NOW - 9_000 + n, n)) for n in range(4))
HISTORY: list[Fact] = [
    FollowCreated(version=1, follower_id=ALICE, followee_id=BOB),
    FollowCreated(version=1, follower_id=ALICE, followee_id=CAROL),
    PostCreated(version=1, post_id=ORIGINAL, author_id=BOB, text="a"),
    PostCreated(version=1, post_id=REPOST, author_id=CAROL, repost_of=ORIGINAL),
    PostCreated(version=1, post_id=PLAIN, author_id=BOB, text="b"),
    ReplyCreated(version=1, post_id=REPLY, author_id=CAROL, parent_id=PLAIN, text="c"),
]

Verify = Callable[..., Result]


@pytest.fixture
def world() -> World:
    return asyncio.run(World().deliver(HISTORY, Random(0)))


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch) -> Verify:
    """The command, on the stores in memory; nothing is on its way."""
    deps = Deps(Settings(), create_metrics(), world.reader.stores, world.clock)

    def run_on_stores(work: Callable[[Deps], Awaitable[Any]]) -> Any:
        return asyncio.run(work(deps))

    monkeypatch.setattr(verify, "run_on_stores", run_on_stores)
    monkeypatch.setattr(verification, "PAUSE_SECONDS", 0.0)
    return lambda *arguments: CliRunner().invoke(main, ["verify", *map(str, arguments)])


async def lose_home(world: World, user: UserId) -> None:
    homes = await world.reader.stores.home_timelines.pin()
    reposts = world.reader.stores.reposts
    assert isinstance(homes, MemoryHomeGeneration)
    assert isinstance(reposts, MemoryReposts)
    homes._homes.pop(user)
    for place in [place for place in reposts._homes if place[0] == user]:
        del reposts._homes[place]


def lose_links(world: World, parent: PostId) -> None:
    conversations = world.reader.stores.conversations
    assert isinstance(conversations, MemoryConversations)
    conversations._replies.pop(parent)


def listings(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def ids(posts: Sequence[PostId]) -> list[str]:
    return list(map(str, sorted(posts)))


def test_what_is_whole_exits_with_0(run: Verify) -> None:
    result = run()
    assert result.exit_code == 0, result.output
    assert all(each["looked_at"] and not each["differing"] for each in listings(
        run("--json")
    ).values())  # fmt: skip


def test_damage_of_posts_with_and_without_a_repost_is_named(world: World, run: Verify) -> None:
    """A post that carol reposted is missing twice, with and without her; it is named once."""
    asyncio.run(lose_home(world, ALICE))
    lost = [ORIGINAL, REPOST, PLAIN, REPLY]
    table, result = run("--user", ALICE), run("--json", "--user", ALICE)
    assert isinstance(table.exception, SystemExit), table.exception
    assert (result.exit_code, table.exit_code) == (1, 1)
    homes = listings(result)["homes"]
    assert homes["differing"] == [{"id": str(ALICE), "missing": ids(lost), "extra": []}]
    assert (homes["missing"], homes["extra"]) == (len(lost), 0)
    assert f"homes: 1 checked, {len(lost)} missing, 0 extra" in table.output
    assert f"{ALICE}: {len(lost)} missing, such as {', '.join(ids(lost)[-3:])}\n" in table.output
    assert f"to repair: mingle rebuild {ALICE}\n" in table.output


def test_a_user_who_is_named_is_all_that_is_checked(run: Verify) -> None:
    found = listings(run("--user", ALICE, "--user", BOB, "--user", BOB, "--json"))
    assert {name: each["looked_at"] for name, each in found.items()} == {"homes": 2, "threads": 0}


def test_a_post_that_is_named_is_all_that_is_checked(world: World, run: Verify) -> None:
    """The reply has lost its place in the thread, and is named as missing from it."""
    lose_links(world, PLAIN)
    found = run("--post", REPLY, "--post", ORIGINAL, "--json")
    threads = listings(found)["threads"]
    assert found.exit_code == 1
    assert threads["differing"] == [{"id": str(REPLY), "missing": [str(REPLY)], "extra": []}]
    assert (threads["looked_at"], listings(found)["homes"]["looked_at"]) == (2, 0)
    assert "replay plan --conversation POST" in run("--post", REPLY).output
    assert run("--post", ORIGINAL).exit_code == 0


def test_users_and_posts_may_be_named_together(run: Verify) -> None:
    found = listings(run("--user", ALICE, "--post", REPLY, "--json"))
    assert [each["looked_at"] for each in found.values()] == [1, 1]


@pytest.mark.parametrize("named", ["--user", "--post"])
def test_a_number_of_users_beside_names_is_refused(run: Verify, named: str) -> None:
    """For it would have no effect."""
    result = run("--users", 5, named, 7)
    assert result.exit_code == 2
    assert "--users" in result.output
