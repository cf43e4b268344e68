"""Client of the HTTP API for commands that read."""

import json
from collections.abc import Mapping
from typing import Any, Final

import click
import httpx
from rich.console import RenderableType
from rich.table import Table

from services.settings.settings import Settings
from streams.cli.configuration import load_settings
from streams.cli.output import text_console

TIMEOUT: Final = 10.0
"""Seconds for a request; the API's own limit is lower."""
ANY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}  # noqa: S104 listened on, not connected to

api_option = click.option(
    "--api", metavar="URL", help="Address of the API [default: MINGLE_API_HOST:MINGLE_API_PORT]."
)


def api_address(settings: Settings) -> str:
    """Return the URL where the API of these settings answers."""
    host = ANY_ADDRESS.get(settings.api_host, settings.api_host)
    return f"http://{host}:{settings.api_port}"


def get_json(api: str | None, path: str, **parameters: str | int | None) -> dict[str, Any]:
    """Return the JSON object at a path; parameters that are None are left out.

    Raises ClickException where the API does not answer, or answers with an error.
    """
    settings = load_settings()
    query = {name: value for name, value in parameters.items() if value is not None}
    token = {"Authorization": f"Bearer {settings.api_token}"} if settings.api_token else {}
    answer = get_answer(api or api_address(settings), path, query, token)
    if answer.status_code != httpx.codes.OK:
        raise click.ClickException(f"{answer.status_code} {_detail(answer)}")
    body: dict[str, Any] = answer.json()
    return body


def get_answer(
    api: str, path: str, query: Mapping[str, str | int], headers: Mapping[str, str]
) -> httpx.Response:
    """Return the answer of the API at a path. Raises ClickException where none answers."""
    base = api.rstrip("/")
    try:
        return httpx.get(f"{base}{path}", params=query, headers=headers, timeout=TIMEOUT)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise click.ClickException(
            f"no API answers at {base} ({type(error).__name__}): start one with `mingle api`, "
            "or give another address with --api URL"
        ) from error


def print_answer(body: Mapping[str, Any], view: RenderableType, *, as_json: bool) -> None:
    """Print the API's own answer as JSON, else the view of it.

    What is as wide as the terminal, as a timeline, is also folded where there is none.
    """
    if as_json:
        click.echo(json.dumps(body, ensure_ascii=False))
    else:
        is_table = isinstance(view, Table) and not view.expand
        text_console(for_tables=is_table).print(view)


def _detail(answer: httpx.Response) -> str:
    """Return the detail of a problem+json body, else the reason phrase."""
    try:
        problem = answer.json()
    except ValueError:
        return answer.reason_phrase
    if not isinstance(problem, Mapping):
        return answer.reason_phrase
    return str(problem.get("detail") or problem.get("title") or answer.reason_phrase)
