"""Entry point of `python -m servers`."""

from servers.cli import main

main()
