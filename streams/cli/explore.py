"""`mingle explore`: opens the explorer of a running API."""

import webbrowser

import click
import httpx

from services.api.explorer import EXPLORER
from streams.cli.api_client import api_address, api_option, get_answer
from streams.cli.configuration import load_settings


@click.command("explore")
@click.argument("user", required=False, type=click.IntRange(min=1))
@click.option("--print", "print_only", is_flag=True, help="Print the address and open nothing.")
@api_option
def command(user: int | None, print_only: bool, api: str | None) -> None:
    """Open the explorer of the API in the browser.

    With USER it opens on their home. Where there is no browser, the address that is printed can
    be opened elsewhere.
    """
    base = (api or api_address(load_settings())).rstrip("/")
    answer = get_answer(base, EXPLORER, {}, {})
    if answer.status_code != httpx.codes.OK:
        raise click.ClickException(
            f"{answer.status_code} at {base}{EXPLORER}: this API serves no explorer; it does with "
            "MINGLE_EXPLORER=always"
        )
    address = f"{base}{EXPLORER}" if user is None else f"{base}{EXPLORER}#/home?as={user}"
    click.echo(address)
    if not print_only:
        webbrowser.open(address)
