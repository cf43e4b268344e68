"""Keys that verify tokens: one shared secret, or the issuer's public keys."""

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol, TypeAlias

import structlog
from jwt import PyJWK

from services.api.auth.jwks import BadKeySet, KeyName, read_keys
from services.clock import Clock
from services.errors import Transient

FRESH_MS: Final = 10 * 60_000
"""Age at which keys are fetched again: how long a key stays valid that the issuer withdrew."""
STALE_MS: Final = 4 * 3_600_000
"""Age up to which keys serve while the issuer is unavailable: longer than most tokens live."""
PAUSE_MS: Final = 10_000
"""Pause between two fetches, so that invented key ids cause no load on the issuer."""

Fetch: TypeAlias = Callable[[], Awaitable[bytes]]
"""Returns the current JSON Web Key Set. Raises IssuerUnavailable."""

_log = structlog.get_logger(__name__)


class IssuerUnavailable(Transient):
    """The keys are unavailable at present, so a token cannot be verified."""


class Keys(Protocol):
    """Keys by the names that tokens give them."""

    @property
    def algorithms(self) -> frozenset[str]:
        """The algorithms that a token may be signed with; each key serves only one."""

    async def find(self, name: KeyName) -> PyJWK | None:
        """Return the key, None if the issuer has none of this name. Raises IssuerUnavailable."""

    def refresh(self) -> None:
        """Fetch the keys in the background, unless that was just done or is in progress."""


class SharedSecret:
    """One key, whatever its name in the token."""

    algorithms = frozenset({"HS256"})

    def __init__(self, secret: str) -> None:
        encoded = urlsafe_b64encode(secret.encode()).decode()
        self._key = PyJWK({"kty": "oct", "k": encoded}, "HS256")

    async def find(self, _name: KeyName) -> PyJWK | None:
        return self._key

    def refresh(self) -> None:
        """Do nothing: the secret is fixed."""


class PublicKeys:
    """The issuer's keys, fetched when first needed, when old, and when a token names another.

    One fetch at a time serves everybody who waits, and fetches are PAUSE_MS apart. Old keys stay
    in use while newer ones are fetched.
    """

    algorithms = frozenset({"RS256", "ES256", "EdDSA"})

    def __init__(self, fetch: Fetch, clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: Mapping[KeyName, PyJWK] = {}
        self._fetched: int | None = None
        self._tried: int | None = None
        self._unavailable = False
        self._attempt: asyncio.Task[None] | None = None

    async def find(self, name: KeyName) -> PyJWK | None:
        if self._is_older(self._fetched, FRESH_MS):
            self.refresh()
        if self._is_older(self._fetched, STALE_MS):
            await self._wait_for_attempt()
        if self._is_older(self._fetched, STALE_MS):
            raise IssuerUnavailable("the keys of the token issuer are unavailable")
        found = self._key_named(name)
        if found is not None:
            return found
        self.refresh()
        await self._wait_for_attempt()
        found = self._key_named(name)
        if found is None and self._unavailable:
            raise IssuerUnavailable("the key may be newer than the cached ones")
        return found

    def refresh(self) -> None:
        if self._attempt is None and self._is_older(self._tried, PAUSE_MS):
            self._tried = self._clock()
            self._attempt = asyncio.create_task(self._try())

    async def _wait_for_attempt(self) -> None:
        """Wait for the fetch in progress, if any; a caller that is cancelled does not cancel it."""
        if self._attempt is not None:
            await asyncio.shield(self._attempt)

    async def _try(self) -> None:
        try:
            self._keys = read_keys(await self._fetch())
        except (IssuerUnavailable, BadKeySet) as error:
            self._unavailable = True
            _log.warning("could not fetch the keys of the token issuer", error=str(error))
        else:
            self._unavailable = False
            self._fetched = self._clock()
        finally:
            self._attempt = None

    def _is_older(self, time: int | None, age: int) -> bool:
        """Return whether a time is that long ago; a clock that was set back counts as elapsed."""
        return time is None or abs(self._clock() - time) >= age

    def _key_named(self, name: KeyName) -> PyJWK | None:
        """Return the key; a token without a key id means the only key of its algorithm."""
        if name.id is not None:
            return self._keys.get(name)
        matching = [key for each, key in self._keys.items() if each.algorithm == name.algorithm]
        return matching[0] if len(matching) == 1 else None
