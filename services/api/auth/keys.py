"""The keys that tokens are signed with: one shared secret, or an issuer's public ones."""

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
"""Age at which keys are fetched anew: how long a key that the issuer withdrew may go on."""
STALE_MS: Final = 4 * 3_600_000
"""Age to which keys serve while the issuer is away: longer than tokens live as a rule."""
PAUSE_MS: Final = 10_000
"""Between two attempts to fetch: whoever makes up key ids does not make us a burden."""

Fetch: TypeAlias = Callable[[], Awaitable[bytes]]
"""A JSON Web Key Set, as it is now. Raises IssuerUnavailable."""

_log = structlog.get_logger(__name__)


class IssuerUnavailable(Transient):
    """The keys of tokens cannot be had at present, so that a token cannot be judged."""


class Keys(Protocol):
    """Keys by the names that tokens call them."""

    @property
    def algorithms(self) -> frozenset[str]:
        """Those that a token may be signed with; no key serves more than one of them."""

    async def find(self, name: KeyName) -> PyJWK | None:
        """The key; None where the issuer has none of this name. Raises IssuerUnavailable."""

    def refresh(self) -> None:
        """Has the keys fetched in the background, unless they are or have just been."""


class SharedSecret:
    """One key, whatever a token calls it."""

    algorithms = frozenset({"HS256"})

    def __init__(self, secret: str) -> None:
        encoded = urlsafe_b64encode(secret.encode()).decode()
        self._key = PyJWK({"kty": "oct", "k": encoded}, "HS256")

    async def find(self, _name: KeyName) -> PyJWK | None:
        return self._key

    def refresh(self) -> None:
        """It is what it is."""


class PublicKeys:
    """The issuer's keys: fetched when they are needed, aged, or lack one that a token names.

    One attempt at a time serves all who wait, and attempts are PAUSE_MS apart. Keys that are
    aged serve on while newer ones are fetched.
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
            raise IssuerUnavailable("the keys of tokens cannot be had")
        found = self._key_named(name)
        if found is not None:
            return found
        self.refresh()
        await self._wait_for_attempt()
        found = self._key_named(name)
        if found is None and self._unavailable:
            raise IssuerUnavailable("the key may be newer than those we have")
        return found

    def refresh(self) -> None:
        if self._attempt is None and self._is_older(self._tried, PAUSE_MS):
            self._tried = self._clock()
            self._attempt = asyncio.create_task(self._try())

    async def _wait_for_attempt(self) -> None:
        """Waits for the attempt that goes on, if any; who goes away ends it for nobody else."""
        if self._attempt is not None:
            await asyncio.shield(self._attempt)

    async def _try(self) -> None:
        try:
            self._keys = read_keys(await self._fetch())
        except (IssuerUnavailable, BadKeySet) as error:
            self._unavailable = True
            _log.warning("the keys of tokens were not fetched", error=str(error))
        else:
            self._unavailable = False
            self._fetched = self._clock()
        finally:
            self._attempt = None

    def _is_older(self, time: int | None, age: int) -> bool:
        """Whether a time is so long ago; a clock that was set back counts as time passed."""
        return time is None or abs(self._clock() - time) >= age

    def _key_named(self, name: KeyName) -> PyJWK | None:
        """A token without a key id means the one key there is for its algorithm."""
        if name.id is not None:
            return self._keys.get(name)
        fitting = [key for each, key in self._keys.items() if each.algorithm == name.algorithm]
        return fitting[0] if len(fitting) == 1 else None
