"""Entry point of `mingle` and `python -m mingle`."""

from streams.cli import main

if __name__ == "__main__":
    main(prog_name="mingle")
