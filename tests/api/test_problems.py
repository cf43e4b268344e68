"""Errors are RFC 9457 problems that name the field and show no stack trace."""

from collections.abc import Collection

import httpx
import pytest
from structlog.testing import capture_logs

from schemas.ids import MAX_ID, PostId
from services.errors import StoreUnavailable
from services.posts.memory import MemoryPosts
from services.posts.post import Post
from tests.api.village import api_on, client_of, memory

HOME = "/v1/users/1/home"
READING = {"GET", "HEAD", "OPTIONS"}


class FailingPosts(MemoryPosts):
    """Raises the same error on every read."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error

    async def load(self, posts: Collection[PostId]) -> dict[PostId, Post]:
        raise self._error


def methods_of(answer: httpx.Response) -> set[str]:
    return set(answer.headers.get("allow", "").split(", "))


def failing(error: Exception) -> httpx.AsyncClient:
    return client_of(api_on(memory()._replace(posts=FailingPosts(error))))


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (f"{HOME}?limit=0", "limit"),
        (f"{HOME}?limit=101", "limit"),
        (f"{HOME}?limit=many", "limit"),
        (f"{HOME}?limit=", "limit"),
        (f"{HOME}?before=", "before"),
        (f"{HOME}?after=x", "after"),
        (f"{HOME}?newer_than=%C3%A9%00", "newer_than"),
        (f"{HOME}?view=best", "view"),
        (f"{HOME}?view=signal&after=AAAA", "view"),
        (f"{HOME}?view=signal&newer_than=AAAA", "view"),
        (f"{HOME}?view=signal&around=mark", "around"),
        (f"{HOME}?view=signal&before=AAAA", "before"),
        (f"{HOME}?hydrate=perhaps", "hydrate"),
        (f"{HOME}?wait_for=abc", "wait_for"),
        ("/v1/users/0/home", "user_id"),
        ("/v1/users/01/home", "user_id"),
        ("/v1/users/-1/home", "user_id"),
        ("/v1/users/1e3/home", "user_id"),
        ("/v1/users/1%0A/home", "user_id"),
        ("/v1/users/%D9%A1/home", "user_id"),
        (f"/v1/users/{MAX_ID + 1}/home", "user_id"),
        ("/v1/users/alice/posts", "user_id"),
        ("/v1/users/1/posts?viewer=bob", "viewer"),
        ("/v1/posts/hello", "post_id"),
        (f"/v1/posts/{10**19}", "post_id"),
        ("/v1/posts/1?viewer=0", "viewer"),
        ("/v1/posts/1/thread?sort=best", "sort"),
        ("/v1/posts/1/thread?depth=21", "depth"),
        ("/v1/posts/1/thread?branches=0", "branches"),
        ("/v1/users/1/explain/x", "post_id"),
        ("/v1/users/1/explain/-1", "post_id"),
        (f"{HOME}?limit=-1", "limit"),
        (f"{HOME}?limit=1e1", "limit"),
        (f"{HOME}?limit=5.0", "limit"),
        (f"{HOME}?limit=+5", "limit"),
        (f"{HOME}?limit=5%0A", "limit"),
        (f"{HOME}?limit={'9' * 5_000}", "limit"),
        (f"{HOME}?limit", "limit"),
        (f"{HOME}?hydrate=", "hydrate"),
        (f"{HOME}?view=", "view"),
        (f"{HOME}?around=null", "around"),
        ("/v1/search?q=a&since=null", "since"),
        (f"{HOME}?wait_for=", "wait_for"),
        (f"{HOME}?wait_for={MAX_ID + 1}", "wait_for"),
        (f"{HOME}?before={'a' * 5_000}", "before"),
        (f"{HOME}?before=%ff%fe", "before"),
        (f"{HOME}?before=AAAA", "before"),
        (f"{HOME}?before=a&after=a", "after"),
        (f"{HOME}?limit=1&limit=2", "limit"),
        (f"{HOME}?limit=1&limit=1", "limit"),
        (f"{HOME}?user_id=2", "user_id"),
        ("/v1/users/1/posts?viewer=", "viewer"),
        ("/v1/users/1/posts?viewer=1&viewer=2", "viewer"),
        (f"/v1/users/{'1' * 5_000}/home", "user_id"),
        ("/v1/users/%00/home", "user_id"),
        ("/v1/users/%F0%9F%90%88/home", "user_id"),
        ("/v1/users/%20/home", "user_id"),
        ("/v1/posts/1/thread?sort=", "sort"),
        ("/v1/posts/1/thread?depth=-1", "depth"),
        ("/v1/posts/1/thread?branches=1001", "branches"),
        ("/v1/users/1/relations?kind=friends", "kind"),
        ("/v1/users/1/relations?limit=0", "limit"),
        ("/v1/users/1/relations?before=AAAA", "before"),
        ("/v1/users/1/relations?before=", "before"),
        ("/v1/users/x/relations", "user_id"),
        ("/v1/users/1/relations/x", "other_id"),
        ("/v1/lists/x/timeline", "list_id"),
        ("/v1/lists/1/timeline?viewer=me", "viewer"),
        (f"/v1/tags/a?any={','.join('abcdefghijk')}", "any"),
        (f"/v1/tags/a?all={','.join('abcdefghijk')}", "all"),
        (f"/v1/tags/a?none={','.join('abcdefghijk')}", "none"),
        ("/v1/tags/a?any=", "any"),
        ("/v1/tags/a?all=a,,b", "all"),
        ("/v1/tags/a?none=,a", "none"),
        ("/v1/tags/a?any=a&any=b", "any"),
        ("/v1/tags/a?viewer=x", "viewer"),
        ("/v1/search", "q"),
        ("/v1/search?q=", "q"),
        ("/v1/search?q=%21%20%2E", "q"),
        (f"/v1/search?q={'+'.join(map(str, range(17)))}", "q"),
        (f"/v1/search?q={'a' * 1_001}", "q"),
        ("/v1/search?author=bob", "author"),
        ("/v1/search?author=0", "author"),
        ("/v1/search?tag=", "tag"),
        ("/v1/search?since=yesterday", "since"),
        ("/v1/search?since=2026-01-01", "since"),
        ("/v1/search?since=2026-01-01T00:00:00", "since"),
        ("/v1/search?until=1790000000", "until"),
        ("/v1/search?until=2026-13-01T00:00:00Z", "until"),
        ("/v1/search?conversation=x", "conversation"),
        ("/v1/search?q=a&before=AAAA", "before"),
    ],
)
async def test_a_bad_parameter_is_named(client: httpx.AsyncClient, path: str, field: str) -> None:
    """The answer is a 400 with the field and a reason."""
    answer = await client.get(path)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], problem["title"], problem["field"]) == (400, "Bad Request", field)
    assert problem["detail"].startswith(f"{field}: ")
    assert len(answer.content) < 500, "what is wrong is not said back at length"


@pytest.mark.parametrize(
    ("asked", "detail"),
    [
        (f"{HOME}?view=best", "view: not one of latest, signal"),
        (f"{HOME}?around=null", "around: not one of mark"),
        (f"{HOME}?hydrate=perhaps", "hydrate: not one of true, false"),
        ("/v1/posts/1/thread?sort=best", "sort: not one of conversation, newest, oldest"),
        ("/v1/users/1/posts?replies=some", "replies: not one of all, none, only"),
        ("/v1/search?q=a&since=null", "since: null is not a value here"),
    ],
)
async def test_a_refusal_lists_the_values(
    client: httpx.AsyncClient, asked: str, detail: str
) -> None:
    """Where a parameter has only some."""
    answer = await client.get(asked)
    assert answer.json()["detail"] == detail


async def test_the_largest_id_is_an_id(client: httpx.AsyncClient) -> None:
    """The next number is not."""
    assert (await client.get(f"/v1/users/{MAX_ID}/home")).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/posts/9", 404),
        ("GET", "/v1/posts/9/thread", 404),
        ("GET", "/v1/users/1/explain/9", 404),
        ("GET", "/v1/lists/9/timeline?viewer=1", 404),
        ("GET", "/v1/lists/9/timeline", 404),
        ("GET", "/v1/tags/", 404),
        ("GET", "/v2", 404),
        ("GET", "/", 404),
        ("POST", HOME, 405),
        ("DELETE", "/v1/posts/9", 405),
        ("PATCH", "/livez", 405),
        ("HEAD", "/v1/posts/9", 404),
        ("TRACE", HOME, 405),
        ("BREW", HOME, 405),
        ("OPTIONS", "/v2", 404),
        ("GET", "/v1", 404),
        ("GET", "//v1/posts/9", 404),
        ("GET", "/v1/users/1/nowhere", 404),
        ("GET", "/v1/users//home", 404),
        ("GET", "/v1/../metrics/..%2f", 404),
        ("GET", f"/{'x' * 50_000}", 404),
        ("GET", "/%ff%fe%00", 404),
    ],
)
async def test_every_refusal_is_a_problem(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    """The framework's own errors are problems too."""
    answer = await client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert methods_of(answer) == (READING if status == 405 else {""})
    assert "Traceback" not in answer.text
    if method == "HEAD":
        assert answer.content == b""
    else:
        assert answer.json()["status"] == status


async def test_options_lists_the_methods_of_a_path(client: httpx.AsyncClient) -> None:
    """OPTIONS lists the methods and nothing else."""
    answer = await client.options(HOME)
    assert (answer.status_code, methods_of(answer), answer.content) == (204, READING, b"")


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/openapi.json", "/docs"])
async def test_probes_may_add_what_they_like(client: httpx.AsyncClient, path: str) -> None:
    """Open endpoints ignore all parameters."""
    answer = await client.get(path, params={"t": "1", "verbose": ""})
    assert answer.status_code == 200


async def test_a_body_is_not_read(client: httpx.AsyncClient) -> None:
    """The body of a GET changes nothing."""
    for content in (b"{}", b"\xff" * 100_000):
        answer = await client.request("GET", HOME, content=content)
        assert answer.status_code == 200


async def test_a_store_that_is_away_is_503() -> None:
    """The answer has Retry-After, and the process is still alive."""
    async with failing(StoreUnavailable("no answer from 10.0.0.7")) as client:
        for path in (HOME, "/v1/posts/9", "/readyz"):
            with capture_logs() as logs:
                answer = await client.get(path if path != HOME else f"{HOME}?wait_for=9")
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert answer.headers["content-type"] == "application/problem+json"
            assert "10.0.0.7" not in answer.text
            assert "10.0.0.7" in logs[0]["error"]
        assert (await client.get("/livez")).json() == {"status": "ok"}


async def test_a_bug_is_500_and_in_the_log_only() -> None:
    """The answer holds no details."""
    async with failing(ZeroDivisionError("the secret of the bug")) as client:
        with capture_logs() as logs:
            answer = await client.get("/v1/posts/9")
    assert (answer.status_code, answer.json()["title"]) == (500, "Internal Server Error")
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    entry, _ = logs  # and the line of every request
    assert isinstance(entry["exc_info"], ZeroDivisionError)
    assert entry["path"] == "/v1/posts/{post_id}"


async def test_ready_means_that_the_store_answers(client: httpx.AsyncClient) -> None:
    """It is 200 as long as the store answers."""
    assert (await client.get("/readyz")).json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("viewer=1", "viewer"),
        ("LIMIT=500", "LIMIT"),
        ("limit%5B%5D=5", "limit[]"),
        ("=5", ""),
        (f"{'x' * 5_000}=1", "x" * 40),
        ("limt=5", "limt"),
        ("limit=5&limt=5", "limt"),
    ],
)
async def test_unknown_parameters_are_named(
    client: httpx.AsyncClient, query: str, field: str
) -> None:
    """A misspelt one would otherwise be an answer to another question."""
    answer = await client.get(f"{HOME}?{query}")
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert len(answer.content) < 500
