"""`home`, `thread` and `explain` ask the API and show its answer, or say why there is none."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from click.testing import CliRunner, Result

from streams.cli import main

POST = {
    "post_id": "7",
    "author_id": "2",
    "created_at": "2026-05-01T10:00:00Z",
    "text": "hello",
    "depth": 0,
}
EXPLAINED = {"shown": True, "rule": 2, "path": "own", "stored": True}
ANSWERS = {
    "/v1/users/1/home?limit=2&before=abc": {"items": [POST], "next": None, "state": "ready"},
    "/v1/users/1/home": {"items": [], "next": None, "state": "ready"},
    "/v1/posts/7/thread?viewer=1&sort=oldest": {"items": [POST], "next": "more"},
    "/v1/posts/7/thread?viewer=1&sort=oldest&before=more": {
        "items": [POST | {"post_id": "8", "text": "well", "depth": 1}],
        "next": None,
    },
    "/v1/users/1/catch-up?since=2026-05-01T00%3A00%3A00Z": {
        "items": [
            {"kind": "conversation", "root_id": "7", "posts": [POST], "participants": ["2", "3"]},
            {"kind": "broadcasts", "author_id": "4", "count": 5, "cursor": "abc"},
        ],
        "folded": 6,
        "since": "2026-05-01T00:00:00Z",
        "more": True,
        "state": "ready",
    },
    "/v1/users/1/unanswered?limit=5": {"items": [POST], "next": "abc", "state": "ready"},
    "/v1/users/1/mentions?limit=5": {"items": [], "next": None, "state": "ready"},
    "/v1/users/1/conversations?limit=5": {
        "items": [
            {
                "root_id": "7",
                "last_activity_at": "2026-05-01T10:00:00Z",
                "new": new,
                "participants": ["2", "3", "4", "1"],
                "participant_count": count,
            }
            for new, count in ((100, 100), (0, 4))
        ],
        "next": None,
    },
    "/v1/search?q=hello+world&author=2&limit=5": {"items": [POST], "next": None, "state": "ready"},
    "/v1/users/1/home?view=signal&limit=2": {
        "items": [
            POST
            | {
                "score": 1.5,
                "folded": 2,
                "because": [
                    {"feature": "answers_you", "share": 0.6, "words": "it answers you"},
                    {"feature": "age", "share": -0.4, "words": "it is old"},
                ],
            },
            POST | {"post_id": "6", "score": None, "folded": 0, "because": []},
        ],
        "next": "further",
        "state": "ready",
    },
    "/v1/users/1/home?view=signal": {"items": [], "next": None, "state": "building"},
    "/explore": {"a": "page"},
    "/v1/users/1/explain/8": {
        "shown": False,
        "rule": 7,
        "reason": "keyword",
        "detail": "[/x] " * 40,
    },
    "/v1/users/1/explain/7": EXPLAINED,
    "/v1/users/1/explain/7?view=signal": EXPLAINED
    | {"because": [{"feature": "answers_you", "share": 0.7, "words": "it answers you"}]},
    "/v1/users/1/explain/8?view=signal": EXPLAINED | {"because": []},
}


OWN = "/v1/users/2/home"
"""Answered to its owner's token only."""
ANSWERS[OWN] = ANSWERS["/v1/users/1/home"]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        token = self.headers.get("Authorization")
        known = ANSWERS.get(self.path) if token in {None, "Bearer abc"} else None
        if self.path == OWN and token is None:
            known = None
        problem = {"title": "Not Found", "status": 404, "detail": "no such post"}
        body = json.dumps(known or problem).encode()
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 http.server's name
        pass


@pytest.fixture(scope="module")
def api() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(10)


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(main, arguments)


def test_home_shows_a_page(api: str) -> None:
    """Given options are passed on; the API decides the others."""
    result = run("home", "1", "--limit", "2", "--before", "abc", "--api", api)
    assert result.exit_code == 0
    assert "hello" in result.output
    assert "nothing here" in run("home", "1", "--api", api).output


def test_search_asks_for_all_that_is_given(api: str) -> None:
    """Words are one query; nothing is a criterion that was not named."""
    result = run("search", "hello", "world", "--author", "2", "--limit", "5", "--api", api)
    assert result.exit_code == 0
    assert "hello" in result.output


def test_signal_says_why_a_post_stands_where_it_does(api: str) -> None:
    """What raised it and what lowered it, what it stands for, and how to read on."""
    result = run("signal", "1", "--limit", "2", "--api", api)
    assert result.exit_code == 0
    for said in ("hello", "+ it answers you", "it is old", "2 more", "newest first", "further"):
        assert said in result.output
    assert "being built" in run("signal", "1", "--api", api).output


def test_thread_shows_a_tree(api: str) -> None:
    """Viewer and order are the caller's."""
    result = run("thread", "7", "--viewer", "1", "--sort", "oldest", "--api", api)
    assert "hello" in result.output
    assert "--before more" in result.output


def test_thread_reads_all_pages(api: str) -> None:
    """Each follows from the one before; a page may also be asked for by its cursor."""
    asked = ("thread", "7", "--viewer", "1", "--sort", "oldest", "--api", api)
    result = run(*asked, "--all")
    assert [word in result.output for word in ("hello", "well", "--before")] == [True, True, False]
    told = json.loads(run(*asked, "--all", "--json").output)
    assert [each["post_id"] for each in told["items"]] == ["7", "8"]
    assert "hello" not in run(*asked, "--before", "more").output


def test_explain_keeps_values_whole_for_a_program(api: str) -> None:
    """Neither folded to the width of a terminal that is not there, nor read as markup."""
    lines = run("explain", "1", "8", "--api", api).output.splitlines()
    assert f"reason   keyword: {'[/x] ' * 39}[/x]" in [each.rstrip() for each in lines]


def test_explain_shows_the_verdict(api: str) -> None:
    """The path names the user, then the post."""
    assert "shown" in run("explain", "1", "7", "--api", api).output


def test_explain_shows_what_moves_a_post_in_signal(api: str) -> None:
    """On request, or that it is not ordered there."""
    asked = ("--view", "signal", "--api", api)
    assert "+ it answers you" in run("explain", "1", "7", *asked).output
    assert "not ordered" in run("explain", "1", "8", *asked).output
    assert "signal" not in run("explain", "1", "7", "--api", api).output


@pytest.mark.parametrize(
    ("arguments", "place", "opens"),
    [([], "/explore", True), (["7", "--print"], "/explore#/home?as=7", False)],
)
def test_explore_opens_the_explorer(
    api: str, monkeypatch: pytest.MonkeyPatch, arguments: list[str], place: str, opens: bool
) -> None:
    """The address is printed, and opened unless only that is asked for."""
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    result = CliRunner().invoke(main, ["explore", *arguments, "--api", api])
    assert (result.exit_code, result.output) == (0, f"{api}{place}\n")
    assert opened == ([f"{api}{place}"] if opens else [])


def test_explore_says_that_there_is_none(api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An API may run without it; the message names the setting."""
    monkeypatch.delitem(ANSWERS, "/explore")
    result = CliRunner().invoke(main, ["explore", "--api", api])
    assert result.exit_code == 1
    assert "MINGLE_EXPLORER" in result.output


def test_json_is_the_apis_own_body(api: str) -> None:
    """Nothing is added or left out."""
    told = json.loads(run("explain", "1", "7", "--json", "--api", api).output)
    assert told == ANSWERS["/v1/users/1/explain/7"]


def test_the_api_of_the_settings_is_the_default(api: str) -> None:
    """Without --api, host and port come from the environment."""
    port = api.rsplit(":", 1)[1]
    result = run("home", "1", MINGLE_API_HOST="0.0.0.0", MINGLE_API_PORT=port)
    assert result.exit_code == 0


def test_the_token_of_the_settings_is_sent(api: str) -> None:
    """An API with authentication answers; the token is in no output."""
    assert run("home", "2", "--api", api).exit_code == 1
    told = run("home", "2", "--api", api, MINGLE_API_TOKEN="abc")
    assert told.exit_code == 0
    assert "abc" not in run("settings", MINGLE_API_TOKEN="abc").output


def test_a_problem_is_one_line(api: str) -> None:
    """Exit code 1 and the API's own words."""
    result = run("thread", "8", "--api", api)
    assert result.exit_code == 1
    assert result.output == "Error: 404 no such post\n"


def test_no_api_is_a_clear_line() -> None:
    """Exit code 1, the address, and what to do."""
    result = run("home", "1", "--api", "http://127.0.0.1:1")
    assert result.exit_code == 1
    assert result.output.startswith("Error: no API answers at http://127.0.0.1:1 ")
    assert "mingle api" in result.output


@pytest.mark.parametrize(
    "arguments", [["home", "bob"], ["home", "1", "--limit", "101"], ["thread"], ["explain", "1"]]
)
def test_wrong_use_is_told_apart(arguments: list[str]) -> None:
    """Exit code 2, before any request."""
    assert run(*arguments).exit_code == 2


def test_catch_up_shows_conversations_and_who_broadcasts(api: str) -> None:
    """With who takes part, how much is not shown, and that there was more."""
    since = "2026-05-01T00:00:00Z"
    result = CliRunner().invoke(main, ["catch-up", "1", "--since", since, "--api", api])
    assert result.exit_code == 0, result.output
    for words in (
        "what happened since",
        "user 2, user 3",
        "hello",
        "user 4 broadcast 5 posts",
        "6 more posts are not shown here",
        "there were more",
    ):
        assert words in result.output
    asked = ["catch-up", "1", "--since", since, "--json", "--api", api]
    assert json.loads(CliRunner().invoke(main, asked).output)["folded"] == 6


def test_inbox_shows_who_waits_and_who_talks(api: str) -> None:
    """In three parts, each with what it has; counts that are exact to 100 say so."""
    result = run("inbox", "1", "--api", api)
    assert result.exit_code == 0, result.output
    waiting, rest = result.output.split("mentions\n")
    mentions, talks = rest.split("conversations\n")
    assert "waiting for an answer" in waiting
    assert "hello" in waiting
    assert "there are more" in waiting
    assert "nothing here" in mentions
    assert "100+ new" in talks
    assert "user 2, user 3, user 4 and 97+ more" in talks
    assert "read" in talks
    assert "user 4 and 1 more" in talks
    body = json.loads(run("inbox", "1", "--json", "--api", api).output)
    assert list(body) == ["unanswered", "mentions", "conversations"]
    assert body["conversations"]["items"][1]["new"] == 0
