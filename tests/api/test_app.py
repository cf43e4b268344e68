"""Who may connect, and which requests are measured."""

import asyncio

import httpx
import pytest
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry
from structlog.testing import capture_logs

from services.api.auth.exposure import UnsafeExposure
from services.metrics.metrics import Metrics
from tests.api.issuer import JWKS, SECRET
from tests.api.village import api_on, client_of, memory


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "localhost"])
def test_the_loopback_is_fine(host: str) -> None:
    """It holds for each way to write the address."""
    assert api_on(memory(), api_host=host) is not None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "example.org", ""])
def test_without_authentication_only_the_loopback_is_served(host: str) -> None:
    """The process does not start, and gives the reason."""
    with pytest.raises(UnsafeExposure, match="MINGLE_API_HOST"):
        api_on(memory(), api_host=host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "example.org"])
def test_off_the_loopback_cursor_keys_are_required(host: str) -> None:
    """The process does not start with the public default cursor key."""
    with pytest.raises(UnsafeExposure, match="MINGLE_CURSOR_KEYS"):
        api_on(memory(), api_host=host, auth_secret=SECRET)
    with pytest.raises(UnsafeExposure, match="MINGLE_API_HOST"):
        api_on(memory(), api_host=host, cursor_keys=("a key",))
    assert api_on(memory(), api_host=host, auth_secret=SECRET, cursor_keys=("a key",)) is not None


async def test_the_log_says_that_tokens_are_required() -> None:
    """It names the algorithms and not the secret."""
    app = api_on(memory(), auth_secret=SECRET)
    with capture_logs() as logs:
        async with app.lifespan():
            pass
    assert [(each["event"], each["algorithms"]) for each in logs] == [
        ("the API requires tokens", ["HS256"])
    ]


async def test_an_issuer_that_is_away_is_known_from_the_start() -> None:
    """The start succeeds, and the keys are fetched once the issuer answers."""
    app = api_on(memory(), auth_jwks="http://127.0.0.1:1/keys", **JWKS)
    with capture_logs() as logs:
        async with app.lifespan(), asyncio.timeout(10):
            while len(logs) < 2:  # noqa: ASYNC110 - a log sets no event
                await asyncio.sleep(0.001)
    assert "127.0.0.1:1" in logs[1]["error"]


async def test_the_log_says_who_may_connect() -> None:
    """A log line appears when the API starts."""
    app = api_on(memory())
    with capture_logs() as logs:
        async with app.lifespan():
            pass
    assert "this machine only" in logs[0]["event"]


async def test_requests_are_measured_by_their_route() -> None:
    """Ids are not labels, and unknown paths share one route."""
    metrics = Metrics(CollectorRegistry())
    async with client_of(api_on(memory(), metrics)) as client:
        for path in ("/v1/users/1/home", "/v1/users/2/home?limit=0", "/v1/posts/9", "/no", "/way"):
            await client.get(path)
        text = (await client.get("/metrics")).text
    counts = {
        ("/v1/users/{user_id}/home", "200"): 1.0,
        ("/v1/users/{user_id}/home", "400"): 1.0,
        ("/v1/posts/{post_id}", "404"): 1.0,
        ("unknown", "404"): 2.0,
    }
    for (route, status), count in counts.items():
        line = f'timeline_api_request_seconds_count{{route="{route}",status="{status}"}} {count}'
        assert line in text


async def test_metrics_are_text_for_prometheus(client: httpx.AsyncClient) -> None:
    """The media type is that of Prometheus, with one charset."""
    answer = await client.get("/metrics")
    assert answer.headers["content-type"] == CONTENT_TYPE_LATEST
