"""TLS as clients here speak it: the other side is always verified, by chain and by name."""

import ssl
from typing import NamedTuple


class TlsFiles(NamedTuple):
    """PEM files; "" for none. Without `ca` the system's authorities are trusted."""

    ca: str = ""
    certificate: str = ""
    key: str = ""

    def context(self) -> ssl.SSLContext:
        """Raises OSError for a file that cannot be read or is not what it should be."""
        context = ssl.create_default_context(cafile=self.ca or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate:
            # Without a phrase to give, an encrypted key would ask for one at the terminal.
            context.load_cert_chain(self.certificate, self.key, password="")
        return context


NO_FILES = TlsFiles()
