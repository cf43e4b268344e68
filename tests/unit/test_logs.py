"""What is logged of an error is where it happened, and nothing that was held there."""

import io
import logging
import sys
from collections.abc import Callable, Iterator

import pytest
import structlog

from streams.logs import CHATTY, configure_logging, log_on_stderr

TOKEN = "eyJhbGciOiJIUzI1NiJ9.secret"


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _defaults() -> Iterator[None]:
    structlog.reset_defaults()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in CHATTY}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    structlog.reset_defaults()


@pytest.mark.parametrize("stream", [Screen, io.StringIO], ids=["terminal", "pipe"])
@pytest.mark.parametrize(
    "configure", [lambda: configure_logging("info"), log_on_stderr], ids=["process", "command"]
)
def test_tracebacks_show_no_variables(
    monkeypatch: pytest.MonkeyPatch,
    stream: type[io.StringIO],
    configure: Callable[[], None],
) -> None:
    """A header of a request, or the text of a post, is a variable where something fails."""
    shown = stream()
    monkeypatch.setattr(sys, "stderr", shown)
    configure()

    def answer(authorization: str) -> None:
        raise ValueError(f"{len(authorization)} characters")

    try:
        answer(TOKEN)
    except ValueError:
        structlog.get_logger("test").exception("failed")
    assert TOKEN not in shown.getvalue()
    assert f"{len(TOKEN)} characters" in shown.getvalue()
