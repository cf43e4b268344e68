"""`mingle api`: the HTTP API, until the process is told to stop."""

import sys
from functools import partial

import click

from services.api.auth.exposure import UnusableSettings
from streams.cli.configuration import WrongSettings, load_settings
from streams.logs import configure
from streams.process.processes import run_api
from streams.process.signals import run_until_signal


@click.command("api")
def command() -> None:
    """Serve timelines and threads over HTTP.

    At MINGLE_API_HOST and MINGLE_API_PORT; /openapi.json says what it answers. While the store
    is away, be it from the start, what needs it is answered with 503. SIGTERM lets requests
    that are being answered finish, and ends.
    """
    settings = load_settings()
    configure(settings.log_level)
    try:
        sys.exit(run_until_signal(partial(run_api, settings)))
    except UnusableSettings as error:
        raise WrongSettings(str(error)) from error
    except OSError as error:
        where = f"{settings.api_host}:{settings.api_port}"
        raise click.ClickException(f"{where}: {error.strerror} (MINGLE_API_PORT)") from error
