"""Who is let in, and what is measured."""

import httpx
import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from services.api.exposure import Exposed
from services.metrics import Metrics
from tests.api.village import api_on, client_of, memory


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "localhost"])
def test_the_loopback_is_fine(host: str) -> None:
    """In each of its spellings."""
    assert api_on(memory(), api_host=host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "example.org", ""])
def test_without_authentication_nobody_else_is_let_in(host: str) -> None:
    """The process does not start, and says why."""
    with pytest.raises(Exposed, match="MINGLE_API_HOST"):
        api_on(memory(), api_host=host)


async def test_the_log_says_who_is_let_in() -> None:
    """When the API starts."""
    app = api_on(memory())
    with capture_logs() as logs:
        async with app.lifespan():
            pass
    assert "this machine only" in logs[0]["event"]


async def test_requests_are_measured_by_their_route() -> None:
    """Ids are no labels; what nothing serves is one route."""
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
    """In its own media type."""
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
