"""Questions to the HTTP API, and what a command says when it gets no answer."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import click
import httpx

from services.settings.settings import Settings
from streams.cli.configuration import load_settings

TIMEOUT: Final = 10.0
"""Seconds; the API itself gives a request less."""
ANY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}  # noqa: S104 listened on, not connected to

F = TypeVar("F", bound=Callable[..., None])


def api_option(function: F) -> F:
    """`--api URL`, else the API of the settings."""
    return click.option(
        "--api", metavar="URL", help="Address of the API [default: MINGLE_API_HOST:PORT]."
    )(function)


def json_option(function: F) -> F:
    """`--json`: the API's own body."""
    return click.option("--json", "as_json", is_flag=True, help="Print the API's answer.")(function)


def api_address(settings: Settings) -> str:
    """Where the API of these settings answers."""
    host = ANY_ADDRESS.get(settings.api_host, settings.api_host)
    return f"http://{host}:{settings.api_port}"


def get_json(api: str | None, path: str, **parameters: str | int | None) -> dict[str, Any]:
    """The JSON object at a path; parameters that are None are left out. Ends the command else."""
    settings = load_settings()
    base = (api or api_address(settings)).rstrip("/")
    given = {name: value for name, value in parameters.items() if value is not None}
    try:
        answer = httpx.get(f"{base}{path}", params=given, headers=_shown(settings), timeout=TIMEOUT)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise click.ClickException(
            f"no API answers at {base} ({type(error).__name__}): start one with `mingle api`, "
            "or name another with --api URL"
        ) from error
    if answer.status_code != httpx.codes.OK:
        raise click.ClickException(f"{answer.status_code} {_detail(answer)}")
    body: dict[str, Any] = answer.json()
    return body


def _shown(settings: Settings) -> dict[str, str]:
    """What tells the API who asks."""
    return {"Authorization": f"Bearer {settings.api_token}"} if settings.api_token else {}


def _detail(answer: httpx.Response) -> str:
    """What problem+json says, or the status line's words."""
    try:
        problem = answer.json()
    except ValueError:
        return answer.reason_phrase
    if not isinstance(problem, Mapping):
        return answer.reason_phrase
    return str(problem.get("detail") or problem.get("title") or answer.reason_phrase)
