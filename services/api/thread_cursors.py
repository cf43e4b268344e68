"""Cursors of threads: places among the direct replies of a post."""

from dataclasses import dataclass

from schemas.ids import PostId
from services.api.cursors import Cursors, InvalidCursor
from services.api.problems import BadParameter
from services.readers.thread_shape import ThreadPlace

_LAYOUT = b"\x01"
_ID_BYTES = 8


@dataclass(frozen=True)
class ThreadCursors:
    """Cursors of one order of one thread for one viewer, which `listing` names."""

    cursors: Cursors
    listing: str

    def seal(self, place: ThreadPlace | None) -> str | None:
        """Return the cursor of a place, None without one."""
        if place is None:
            return None
        section = place.section.to_bytes()
        ids = (each.to_bytes(_ID_BYTES) for each in (place.post_id, place.early))
        return self.cursors.encrypt(self.listing, _LAYOUT + section + b"".join(ids))

    def open(self, name: str, token: str | None) -> ThreadPlace | None:
        """Return the place in a parameter's cursor. Raises BadParameter."""
        if token is None:
            return None
        try:
            payload = self.cursors.decrypt(self.listing, token)
        except InvalidCursor as error:
            raise BadParameter(name, str(error)) from None
        if payload[:1] != _LAYOUT:
            raise BadParameter(name, "made by a later version of this API")
        post, early = payload[2 : 2 + _ID_BYTES], payload[2 + _ID_BYTES :]
        return ThreadPlace(payload[1], PostId(int.from_bytes(post)), PostId(int.from_bytes(early)))
