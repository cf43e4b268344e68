"""Logs on standard error: one event a line, as JSON unless it is a terminal."""

import logging
import sys
from typing import Any, Final

import structlog
from structlog.typing import EventDict

from services.api.auth.audit import AUDIT_LOG

CHATTY: Final = ("aiokafka", "faust", "mode", "cassandra", "uvicorn", "asyncio", "httpx")
"""Libraries of which only warnings and errors are logged."""


def configure_logging(level: str, **process: str) -> None:
    """Log everything from `level` up, and libraries from warning up, in one format.

    `process` is what every line says of this process. What is audited is logged at any level.
    """

    def add_process(_logger: Any, _method: str, event: EventDict) -> EventDict:
        return {**event, **{name: event.get(name, said) for name, said in process.items()}}

    before: list[Any] = [
        structlog.contextvars.merge_contextvars,  # the id of the request, the role of the app
        add_process,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *before,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(sys.stderr.isatty()),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.root.level))
    logging.getLogger(AUDIT_LOG).setLevel(logging.INFO)


def log_on_stderr() -> None:
    """Print what is logged on standard error: what a command prints is for programs to read."""
    *before, _ = structlog.get_config()["processors"]
    structlog.configure(
        processors=[*before, _for_people(colors=sys.stderr.isatty())],
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def _for_people(*, colors: bool) -> Any:
    """Return a renderer whose tracebacks show no variables: they hold texts, tokens and keys."""
    plain = structlog.dev.plain_traceback
    return structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain)


def _renderers(terminal: bool) -> list[Any]:
    if terminal:
        return [_for_people(colors=True)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
