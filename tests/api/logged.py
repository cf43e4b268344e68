"""The log of a process, as JSON lines, while requests are answered."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import structlog

from streams.logs import configure_logging

Lines = Callable[[], list[dict[str, Any]]]


@contextmanager
def logged(level: str = "info") -> Iterator[Lines]:
    """Log as a process does; the result returns what has been logged so far."""
    log = io.StringIO()
    before, root_level = structlog.get_config(), logging.root.level
    try:
        with patch("sys.stderr", log):
            configure_logging(level)
        structlog.configure(cache_logger_on_first_use=False)
        yield lambda: [json.loads(each) for each in log.getvalue().splitlines()]
    finally:
        structlog.configure(**before)
        logging.root.handlers.clear()
        logging.root.setLevel(root_level)
