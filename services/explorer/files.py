"""The files of the explorer, as they are served: read once, from the checkout or the wheel."""

from collections.abc import Mapping
from importlib import resources
from typing import Final, NamedTuple

ENTRY: Final = "index.html"
_MEDIA_TYPES: Final = {
    "css": "text/css",
    "html": "text/html",
    "js": "text/javascript",
    "svg": "image/svg+xml",
}


class ExplorerFile(NamedTuple):
    content: bytes
    media_type: str


def read_explorer() -> Mapping[str, ExplorerFile]:
    """Return the explorer's files by their names."""
    folder = resources.files(__package__).joinpath("pages")
    return {
        each.name: ExplorerFile(each.read_bytes(), _MEDIA_TYPES[each.name.rpartition(".")[2]])
        for each in folder.iterdir()
    }
