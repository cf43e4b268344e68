"""Pulled posts are read, explained, waited for and streamed like pushed ones."""

from typing import Any

import httpx
from prometheus_client import CollectorRegistry

from services.api.app import build_api
from services.handlers.pages import FanOutPolicy
from services.metrics.metrics import Metrics
from services.settings.settings import Settings
from tests.api.streaming import id_of, streaming
from tests.api.village import ALICE, BOB, CAROL, NOW, Village, api_on, client_of

ALL_PULLED = FanOutPolicy(pull_followers=1)
PROBING = {"stream_probe_seconds": 0.005, "stream_look_seconds": 3_600}


async def asked(client: httpx.AsyncClient, path: str, **parameters: Any) -> Any:
    answer = await client.get(f"/v1/users/{ALICE}/{path}", params=parameters)
    assert answer.status_code == 200
    return answer.json()


async def test_a_pulled_post_is_in_home_and_says_so() -> None:
    """No home timeline stores it, and the author's followers see it."""
    village = Village(ALL_PULLED)
    await village.follows(ALICE, BOB)
    post = await village.post(BOB)
    async with client_of(api_on(village.stores)) as client:
        home = await asked(client, "home", hydrate="false", wait_for=post)
        assert home["items"] == [str(post)]
        why = await asked(client, f"explain/{post}")
    assert (why["shown"], why["path"], why["stored"]) == (True, "pulled", False)


async def test_a_repost_that_is_pulled_names_who_made_it() -> None:
    """It has the place of its window, together with pushed reposts."""
    village = Village(ALL_PULLED)
    original = await village.post(CAROL, 60)
    await village.follows(ALICE, BOB)
    repost = await village.post(BOB, 10, repost_of=original)
    async with client_of(api_on(village.stores)) as client:
        [item] = (await asked(client, "home"))["items"]
    assert (item["post_id"], item["repost"]["by"]) == (str(repost), [str(BOB)])


async def test_a_repost_that_is_dated_before_its_original_is_pushed() -> None:
    """It is the earliest reason in the original's window and takes its place."""
    village = Village(ALL_PULLED)
    await village.follows(ALICE, BOB)
    await village.follows(ALICE, CAROL)
    original = await village.post(CAROL, 10)
    repost = await village.post(BOB, 60, repost_of=original)
    async with client_of(api_on(village.stores)) as client:
        [item] = (await asked(client, "home"))["items"]
        why = await asked(client, f"explain/{repost}")
    assert (item["post_id"], item["repost"]["by"]) == (str(repost), [str(BOB)])
    assert why["stored"]


async def test_a_stream_sends_pulled_posts_at_once() -> None:
    """It does not wait for its next poll; streams of other users are not woken."""
    village = Village(ALL_PULLED)
    await village.follows(ALICE, BOB)
    await village.post(BOB, 30)
    moment = iter(range(NOW, NOW + 10**9, 1_000))
    metrics = Metrics(CollectorRegistry())
    app = build_api(village.stores, Settings(**PROBING), metrics, lambda: next(moment))
    async with streaming(app) as alice:
        await alice.expect("change")
        post = await village.post(BOB, 0)
        await alice.expect("change", "entry")
        assert id_of(alice.last) == post
