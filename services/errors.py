"""The errors that decide what becomes of a message.

* MingleError
  + Transient: later. The same work may succeed when it is tried again.
    - StoreUnavailable
    - BrokerUnavailable
  + AccessRefused: not as this process is set up; told to whoever starts it, never by a handler.
  + Permanent: never. Trying again changes nothing, so the message becomes a dead letter.

A `schemas.errors.SchemaViolation` is permanent too, and the only error of decoding.
Whatever else leaves a handler is a bug and is treated as permanent for the one message
that raises it by itself.
"""


class MingleError(Exception):
    """Root of the errors that are ours."""


class Transient(MingleError):
    """Later: a store or broker did not do its part this time."""


class StoreUnavailable(Transient):
    """The store timed out, refused or was not reached; the write may or may not have happened."""


class BrokerUnavailable(Transient):
    """The broker did not acknowledge; the message may or may not be in its log."""


class Permanent(MingleError):
    """Never: the message itself cannot be handled, whatever the state of the world."""


class AccessRefused(MingleError):
    """A store or broker answers and lets nobody in with this certificate, user or password.

    Raised at the first contact only. What is refused later, to a process that was let in, is
    Transient: passwords and certificates are exchanged while it runs.
    """
