"""How many requests and streams a viewer may have."""

import httpx
import pytest
from prometheus_client import CollectorRegistry

from services.api.problems import TooManyRequests
from services.api.rates import BURST_SECONDS, MAX_BUCKETS, Rates, network_of
from services.metrics.metrics import Metrics
from tests.api.issuer import SECRET, bearer
from tests.api.streaming import streaming
from tests.api.village import ALICE, BOB, Village, api_on, client_of

HOME = "/v1/users/{}/home"
ONE_IN_BURST = 1 / BURST_SECONDS


class Bucket:
    """Alice's, at two requests a second, and a clock."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.rates = Rates(2, lambda: self.now)

    def takes(self, key: str = "alice") -> int | None:
        """Take one request; return the seconds to wait if it is refused."""
        try:
            self.rates.take(key)
        except TooManyRequests as refused:
            return refused.retry_after
        return None


def test_a_burst_is_served_and_then_the_rate() -> None:
    """Twenty at once at two a second; then one each half second."""
    bucket = Bucket()
    assert [bucket.takes() for _ in range(22)] == [None] * 20 + [1, 1]
    bucket.now += 0.5
    assert [bucket.takes(), bucket.takes()] == [None, 1]
    bucket.now += 60
    assert [bucket.takes() for _ in range(21)] == [None] * 20 + [1]


def test_whoever_waits_as_long_as_told_is_served() -> None:
    """However slow the rate; refusals take nothing out of the bucket."""
    bucket = Bucket()
    bucket.rates = Rates(0.01, lambda: bucket.now)
    assert bucket.takes() is None
    assert [bucket.takes(), bucket.takes()] == [100, 100]
    bucket.now += 100
    assert bucket.takes() is None


def test_each_has_a_bucket_of_their_own() -> None:
    """And without a rate nobody is refused."""
    bucket = Bucket()
    assert [bucket.takes() for _ in range(21)][-1] == 1
    assert bucket.takes("bob") is None
    bucket.rates = Rates(0, lambda: bucket.now)
    assert [bucket.takes() for _ in range(1_000)] == [None] * 1_000


def test_buckets_are_bounded() -> None:
    """The one used longest ago is forgotten first."""
    bucket = Bucket()
    assert [bucket.takes() for _ in range(21)][-1] == 1
    for number in range(MAX_BUCKETS - 1):
        bucket.takes(str(number))
    assert bucket.takes() == 1
    bucket.takes("one more")
    assert len(bucket.rates._full_at) == MAX_BUCKETS
    assert [bucket.takes() for _ in range(2)] == [None, None]


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("testclient", "testclient"),
    ],
)
def test_a_customer_counts_as_one_address(address: str, counted: str) -> None:
    """One of IPv6 has a whole network."""
    assert network_of(address) == counted


async def test_a_viewer_who_asks_for_too_much_gets_429(village: Village) -> None:
    """With the time to wait; others, and probes, are answered meanwhile."""
    metrics = Metrics(CollectorRegistry())
    app = api_on(village.stores, metrics, api_rate=ONE_IN_BURST, auth_secret=SECRET)
    async with client_of(app) as client:

        async def home(user: int) -> httpx.Response:
            return await client.get(HOME.format(user), headers=bearer(user))

        assert (await home(ALICE)).status_code == 200
        refused = await home(ALICE)
        assert (refused.status_code, refused.json()["status"]) == (429, 429)
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.headers["retry-after"] == "10"
        assert (await home(BOB)).status_code == 200
        assert [(await client.get("/livez")).status_code for _ in range(3)] == [200] * 3
    counted = {"route": "/v1/users/{user_id}/home", "status": "429"}
    name = "timeline_api_request_seconds_count"
    assert metrics.registry.get_sample_value(name, counted) == 1


async def test_who_has_no_token_counts_by_address(village: Village) -> None:
    """So do requests that are refused, or guessing tokens would cost nothing."""
    async with client_of(api_on(village.stores, api_rate=ONE_IN_BURST, auth_secret=SECRET)) as each:
        wrong = {"Authorization": "Bearer guessed"}
        assert (await each.get(HOME.format(ALICE), headers=wrong)).status_code == 401
        assert (await each.get(HOME.format(ALICE), headers=wrong)).status_code == 429
        assert (await each.get("/v1/posts/9")).status_code == 429
        assert (await each.get("/v1/posts/9", headers=bearer(ALICE))).status_code == 404


async def test_a_viewer_has_so_many_streams(village: Village) -> None:
    """One more is 429; one that ends makes room, and others have their own."""
    app = api_on(village.stores, stream_limit_per_viewer=2)
    async with streaming(app) as first:
        async with streaming(app) as second:
            for each in (first, second):
                await each.expect("change")
            async with streaming(app) as third:
                await third.until(lambda: third.ended)
            assert (third.status, third.headers["retry-after"]) == (429, "10")
            async with streaming(app, user=BOB) as other:
                await other.expect("change")
        async with streaming(app) as third:
            await third.expect("change")
