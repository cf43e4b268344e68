"""The servers' jars: fetched from Maven Central once per machine, kept outside the checkout."""

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
"""Characters of Maven's output that an error shows."""

MAVEN_MISSING = "Maven (the command mvn) was not found: install it, e.g. `apt-get install maven`"


def default_cache() -> Path:
    """Outside every checkout, so that a clean clone downloads nothing twice."""
    chosen = os.environ.get("MINGLE_SERVERS_CACHE")
    return Path(chosen) if chosen else Path.home() / ".cache" / "mingle" / "servers"


def release_name(server: str) -> str:
    """The jars' folder name: it changes with the version and with anything else in the pom."""
    pom = (POMS / f"{server}.xml").read_bytes()
    version = ET.fromstring(pom).findtext("{*}version")  # noqa: S314 - our own file
    return f"{server}-{version}-{hashlib.sha256(pom).hexdigest()[:8]}"


def require_jars(server: str, cache: Path) -> None:
    """ToolMissing where the jars are not in the cache and nothing here could fetch them."""
    if not (cache / release_name(server)).is_dir() and shutil.which("mvn") is None:
        raise ToolMissing(MAVEN_MISSING)


def fetch_jars(server: str, cache: Path) -> list[Path]:
    """The server's jars, sorted; downloaded first where the cache has none.

    Any number of processes may fetch at once: one downloads, the others wait. A download that
    is cut short leaves nothing that looks complete. Raises ToolMissing or DownloadFailed.
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
        # Maven writes beside the pom, which a read-only installation would not allow.
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
