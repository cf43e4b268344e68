"""`mingle demo`: runs all of Mingle in this process and shows it at work."""

import asyncio
import logging
import socket
import sys
from typing import Final

import click
from rich.console import Console

from services.api.auth.exposure import UnusableSettings
from services.settings.settings import Settings
from streams.cli.configuration import WrongSettings, load_settings
from streams.delivery import attempt
from streams.embedded.demo import demo
from streams.embedded.demo_client import StoryFailed
from streams.logs import configure_logging
from streams.process.signals import STOPPED, run_until_signal

ANY: Final = 0
"""The port with which the system chooses a free one."""


@click.command("demo")
@click.option("--serve", is_flag=True, help="Keep it running until Ctrl-C.")
def command(serve: bool) -> None:
    """Run all of Mingle in one process and show it at work.

    Starts a broker, the workers, stores in memory and the API, publishes a day in a village and
    reads it back. Nothing remains afterwards. Where a port of the settings is taken, any free one
    is used.
    """
    settings = _with_free_ports(load_settings())
    configure_logging("error")
    # The dead letter of the story is shown anyway.
    logging.getLogger(attempt.__name__).setLevel(logging.CRITICAL)

    async def main(stop: asyncio.Event) -> int:
        await demo(settings, Console(), stop.wait if serve else None)
        return STOPPED

    try:
        sys.exit(run_until_signal(main))
    except UnusableSettings as error:
        raise WrongSettings(str(error)) from error
    except (StoryFailed, RuntimeError, OSError) as error:
        raise click.ClickException(str(error)) from error


def _with_free_ports(settings: Settings) -> Settings:
    api = _free_or_any(settings.api_host, settings.api_port)
    metrics = _free_or_any(settings.metrics_host, settings.metrics_port)
    return settings.model_copy(update={"api_port": api, "metrics_port": metrics})


def _free_or_any(host: str, port: int) -> int:
    try:
        socket.create_server((host, port)).close()
    except OSError:
        return ANY
    return port
