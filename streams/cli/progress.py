"""A bar that shows how far a command is."""

from rich.console import Console
from rich.progress import Progress


def progress_bar() -> Progress:
    """On standard error, and only where somebody looks at it."""
    console = Console(stderr=True)
    return Progress(console=console, disable=not console.is_terminal)
