"""Compression of answers that hold no secret.

What is compressed tells its length, and where a secret stands beside text that somebody else chose,
lengths tell the secret (BREACH). So answers to a viewer are never compressed.
"""

import gzip
from functools import lru_cache
from typing import Any, Final

import msgspec
from litestar import Request, Response

LEAST_BYTES: Final = 1_000
"""Smaller answers fit into one packet as they are."""
MOST_BYTES: Final = 256 << 10
"""Larger answers would hold up all other requests for as long as a page takes."""
LEVEL: Final = 1
KEPT: Final = 4
"""Documents of this process that are kept compressed: it has two, which have no rate."""


def compressed(
    request: Request[Any, Any, Any], response: Response[Any], *, keep: bool
) -> Response[Any]:
    """Return the response with its body compressed, where the client takes it and it is worth it.

    `keep` is for what is the same for every request.
    """
    content = response.content
    if content is None or not _takes_gzip(request.headers.get("accept-encoding", "")):
        return response
    if isinstance(content, str):
        content = content.encode()
    body = content if isinstance(content, bytes) else msgspec.json.encode(content)
    if not LEAST_BYTES <= len(body) <= MOST_BYTES:
        return response
    headers = {**response.headers, "Content-Encoding": "gzip"}
    if "ETag" in headers:  # of the same content in other bytes
        headers["ETag"] = f"W/{headers['ETag']}"
    packed = _kept(body) if keep else _packed(body)
    return Response(packed, media_type=response.media_type, headers=headers)


def _takes_gzip(accepted: str) -> bool:
    for each in accepted.lower().split(","):
        name, *options = (part.strip() for part in each.split(";"))
        if name == "gzip":
            return not any(option.rstrip("0") in ("q=", "q=0.") for option in options)
    return False


def _packed(body: bytes) -> bytes:
    return gzip.compress(body, LEVEL, mtime=0)


_kept = lru_cache(KEPT)(_packed)
