"""Faust's credentials for the brokers."""

from faust.auth import Credentials, SASLCredentials, SSLCredentials

from services.settings.brokers import Brokers


def credentials(brokers: Brokers) -> Credentials | None:
    """Return None without TLS and user. Raises OSError for files that no longer exist."""
    options = brokers.aiokafka()
    context = options.get("ssl_context")
    if brokers.uses_login:
        return SASLCredentials(
            username=options["sasl_plain_username"],
            password=options["sasl_plain_password"],
            mechanism=options["sasl_mechanism"],
            ssl_context=context,
        )
    return SSLCredentials(context) if brokers.encrypted else None
