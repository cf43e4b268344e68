"""Serves the explorer's files, where the settings allow it; they are no part of the document."""

from typing import Annotated, Any, Final

from litestar import Response
from msgspec import Meta, Struct

from services.api.auth.access import Access
from services.api.auth.exposure import is_loopback
from services.api.operation import AnyRequest, Endpoint, Operation
from services.api.problems import NotFound
from services.api.queries import NoQuery
from services.explorer.files import ENTRY, read_explorer
from services.settings.settings import Settings

EXPLORER: Final = "/explore"
_POLICY: Final = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
)
"""What the pages may do: load their own files, ask this API, and turn no text into markup."""
EXPLORER_HEADERS: Final = {
    "Content-Security-Policy": "; ".join(_POLICY),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


class ExplorerQuery(Struct, frozen=True, kw_only=True):
    file: Annotated[str, Meta(description="the name of the file")]


READ_EXPLORER: Final = Operation(
    id="readExplorer",
    path=EXPLORER,
    summary="Open the explorer",
    access=Access.OPEN,
    example="<!doctype html>",
    media_type="text/html",
)
READ_EXPLORER_FILE: Final = READ_EXPLORER._replace(
    id="readExplorerFile",
    path=f"{EXPLORER}/{{file}}",
    summary="Read a file of the explorer",
    query=ExplorerQuery,
)


def explorer_endpoints(settings: Settings) -> list[Endpoint]:
    """Return the endpoints of the explorer; none where it is not to be served."""
    if not _is_served(settings):
        return []
    files = read_explorer()

    def answer(name: str) -> Response[Any]:
        if name not in files:
            raise NotFound("the explorer has no such file")
        content, media_type = files[name]
        return Response(content, media_type=media_type, headers=EXPLORER_HEADERS)

    async def read_entry(_: AnyRequest, _query: NoQuery, _viewer: None) -> Response[Any]:
        return answer(ENTRY)

    async def read_file(_: AnyRequest, query: ExplorerQuery, _viewer: None) -> Response[Any]:
        return answer(query.file)

    return [Endpoint(READ_EXPLORER, read_entry), Endpoint(READ_EXPLORER_FILE, read_file)]


def _is_served(settings: Settings) -> bool:
    if settings.explorer == "loopback":
        return is_loopback(settings.api_host)
    return settings.explorer == "always"
