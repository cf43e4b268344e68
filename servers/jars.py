"""Fetches the servers' jars from Maven Central, once per machine, and keeps them in a cache."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from xml.etree import ElementTree as ET

from servers.errors import DownloadFailed, ToolMissing
from servers.lock import locked

POMS = Path(__file__).parent / "poms"
DOWNLOAD_SECONDS = 900
OUTPUT_KEPT = 2_000
"""Characters of Maven's output in an error."""

MAVEN_MISSING = (
    "Maven (the command mvn) was not found: install it, e.g. with `apt-get install maven`"
)


def default_cache() -> Path:
    """Return the cache, outside the checkout, so that a new clone downloads nothing again."""
    chosen = os.environ.get("MINGLE_SERVERS_CACHE")
    return Path(chosen) if chosen else Path.home() / ".cache" / "mingle" / "servers"


def release_name(server: str) -> str:
    """Return the name of the jars' folder, which changes with the pom."""
    pom = (POMS / f"{server}.xml").read_bytes()
    version = ET.fromstring(pom).findtext("{*}version")  # noqa: S314 - our own file
    return f"{server}-{version}-{hashlib.sha256(pom).hexdigest()[:8]}"


def require_jars(server: str, cache: Path) -> None:
    """Raise ToolMissing if the jars are not in the cache and Maven is missing."""
    if not (cache / release_name(server)).is_dir() and shutil.which("mvn") is None:
        raise ToolMissing(MAVEN_MISSING)


def fetch_jars(server: str, cache: Path) -> list[Path]:
    """Return the server's jars, sorted, after downloading them if the cache has none.

    Any number of processes may fetch at once: one downloads, the others wait. An interrupted
    download leaves nothing that looks complete. Raises ToolMissing or DownloadFailed.
    """
    require_jars(server, cache)
    folder = cache / release_name(server)
    if not folder.is_dir():
        with locked(cache / f"{server}.lock", DOWNLOAD_SECONDS):
            if not folder.is_dir():
                _download(POMS / f"{server}.xml", folder)
    return sorted(folder.glob("*.jar"))


def _download(pom: Path, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        # Maven writes beside the pom, which may be read-only where it is.
        copied = Path(shutil.copy(pom, scratch)).rename(Path(scratch, "pom.xml"))
        jars = Path(scratch, "jars")
        _copy_dependencies(copied, jars)
        jars.rename(folder)


def _copy_dependencies(pom: Path, jars: Path) -> None:
    goal = "dependency:copy-dependencies"
    quiet = ("-q", "-B", "--strict-checksums")
    command = ["mvn", *quiet, "-f", str(pom), goal, f"-DoutputDirectory={jars}"]
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments
            command, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise DownloadFailed(f"Maven did not finish within {DOWNLOAD_SECONDS} s") from error
    if done.returncode != 0:
        output = (done.stdout + done.stderr).strip()
        raise DownloadFailed(f"Maven could not fetch the servers:\n{output[-OUTPUT_KEPT:]}")
