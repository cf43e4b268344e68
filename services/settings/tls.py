"""TLS of clients: a server is always verified, by its chain and its name."""

import ssl
from dataclasses import dataclass


@dataclass(frozen=True)
class TlsFiles:
    """PEM files; "" for none. Without `ca` the system's CA certificates are trusted."""

    ca: str = ""
    certificate: str = ""
    key: str = ""

    def context(self) -> ssl.SSLContext:
        """Return a TLS context. Raises OSError if a file is unreadable or invalid."""
        context = ssl.create_default_context(cafile=self.ca or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate:
            # Without a password, an encrypted key would prompt for one at the terminal.
            context.load_cert_chain(self.certificate, self.key, password="")
        return context


NO_FILES = TlsFiles()
