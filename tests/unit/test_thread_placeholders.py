"""How often a reading of a thread decides about a post."""

from collections import Counter
from collections.abc import Callable

import pytest

from schemas.ids import PostId, UserId
from services.posts.post import Post
from services.readers.reader import Reader
from services.readers.thread import Threads
from services.visibility import standing
from services.visibility.view import View
from tests.api.village import ALICE, BOB, CAROL, NOW, Village

DECISIONS = ("is_in_audience", "is_gone", "judge_readable", "is_blocked", "is_muted")


async def test_each_post_is_decided_about_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it stands above the post asked for, is it or stands below it."""
    calls: Counter[tuple[str, PostId]] = Counter()

    def counted(name: str) -> Callable[[Post, View], object]:
        decide = getattr(standing, name)

        def decide_and_count(post: Post, view: View) -> object:
            calls[name, post.post_id] += 1
            return decide(post, view)

        return decide_and_count

    village = Village()
    root = await village.post(ALICE, 9)
    asked = await village.reply(BOB, root, 8)
    deleted = await village.reply(CAROL, asked, 7)
    answers = [await village.reply(BOB, deleted, 6), await village.reply(ALICE, asked, 5)]
    await village.delete(CAROL, deleted)
    for name in DECISIONS:
        monkeypatch.setattr(standing, name, counted(name))
    thread = await Threads(Reader(village.stores, lambda: NOW)).read(asked, UserId(CAROL)) or []
    assert {each.post_id for each in thread} == {root, asked, deleted, *answers}
    assert {each.post_id for each in thread if each.placeholder} == {deleted}
    assert {post for _, post in calls} == {each.post_id for each in thread}
    assert set(calls.values()) == {1}
