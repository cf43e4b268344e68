"""The errors that decide whether a message is retried or becomes a dead letter.

* MingleError
  + Transient: retry later; the same work may then succeed.
    - StoreUnavailable
    - BrokerUnavailable
      o SendingRefused: a right, a topic or a setting is wrong, which an operator mends.
  + AccessRefused: this process is set up wrongly. Raised at startup, never by a handler.
  + Permanent: a retry changes nothing, so the message becomes a dead letter.
    - MessageTooLarge

A `schemas.errors.SchemaViolation` is permanent too, and the only error of decoding. Any other
exception from a handler is a bug, and permanent for the one message that raises it by itself.
"""


class MingleError(Exception):
    """Base class of Mingle's own errors."""


class Transient(MingleError):
    """A store or broker failed this time; the same work may succeed later."""


class StoreUnavailable(Transient):
    """The store timed out, refused or was unreachable; a write may or may not have happened."""


class BrokerUnavailable(Transient):
    """The broker did not acknowledge; the message may or may not be in the log."""


class SendingRefused(BrokerUnavailable):
    """The broker refuses whatever is sent to a topic, until an operator changes something."""


class Permanent(MingleError):
    """The message itself can never be handled, however often it is tried."""


class MessageTooLarge(Permanent):
    """A message to be sent is larger than its topic ever accepts."""


class AccessRefused(MingleError):
    """A store or broker rejects this certificate, user or password.

    Raised at the first contact only. A later rejection is Transient: passwords and certificates
    are rotated while the process runs.
    """
