"""What Mingle is made of: a bill of materials, and what is known against it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.image.test_dockerfile import locked

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SHIPPED, TESTED = "requirements-image.lock", "requirements.lock"
SECONDS = 280.0
KNOWN_BAD = ("jinja2", "2.4.1")
"""A release with advisories: a service that names none for it has none to give."""

pytestmark = [pytest.mark.proof, pytest.mark.timeout(900)]

Known = Callable[[str, str], list[str]]
"""The advisories of a package's version."""


class Unreachable(Exception):
    """The service of advisories did not answer; the message is its client's last word."""


def audit(lock: Path, *options: str) -> dict[str, list[str]]:
    """Return the advisories of each package in a lock file that has any. Raises Unreachable."""
    command = [
        BIN / "pip-audit", "--requirement", lock, "--disable-pip", "--no-deps", "--strict",
        "--vulnerability-service", "osv", "--format", "json", "--progress-spinner", "off", *options,
    ]  # fmt: skip
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    if not ran.stdout:
        said = (ran.stderr.strip().splitlines() or ["nothing"])[-1]
        assert "ConnectionError" in ran.stderr or "Timeout" in ran.stderr, ran.stderr
        raise Unreachable(said)
    found = json.loads(ran.stdout)["dependencies"]
    return {each["name"]: [one["id"] for one in each["vulns"]] for each in found if each["vulns"]}


def with_known_bad(folder: Path, lock: Path) -> Path:
    """Write a lock file and a release that has advisories, without hashes."""
    pins = [line.split(" ")[0].rstrip("\\") for [line, *_] in locked(lock.name).values()]
    file = folder / "audited.txt"
    file.write_text("\n".join([*pins, "==".join(KNOWN_BAD)]) + "\n")
    return file


@pytest.fixture
def advisories() -> Iterator[Callable[[Known], str]]:
    """A service like OSV's; called with what it knows, it has a URL."""
    running: list[ThreadingHTTPServer] = []

    def serve(known: Known) -> str:
        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                ids = known(asked["package"]["name"], asked["version"])
                found = [{"id": each, "affected": [], "summary": each} for each in ids]
                body = json.dumps({"vulns": found} if found else {}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        Thread(target=server.serve_forever, daemon=True).start()
        running.append(server)
        return f"http://127.0.0.1:{server.server_port}/v1/query"

    yield serve
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("lock", [SHIPPED, TESTED])
def test_nothing_is_known_against_it(tmp_path: Path, lock: str) -> None:
    """No version that is shipped, or that tests run with, has an advisory."""
    try:
        found = audit(with_known_bad(tmp_path, ROOT / lock))
    except Unreachable as unreachable:
        pytest.skip(f"the advisories of osv.dev cannot be reached: {unreachable}")
    assert found.pop(KNOWN_BAD[0], None), "the service knows nothing"
    assert found == {}


def test_what_is_known_is_found(tmp_path: Path, advisories: Callable[[Known], str]) -> None:
    """Of each package in the lock file, and of no other."""
    name, [line, *_] = next(iter(locked(SHIPPED).items()))
    version = line.split(" ")[0].split("==")[1]
    bad = {(name, version): ["GHSA-1"], KNOWN_BAD: ["GHSA-2"]}
    asked: set[str] = set()

    def known(package: str, at: str) -> list[str]:
        asked.add(package)
        return bad.get((package, at), [])

    found = audit(with_known_bad(tmp_path, ROOT / SHIPPED), "--osv-url", advisories(known))
    assert found == {name: ["GHSA-1"], KNOWN_BAD[0]: ["GHSA-2"]}
    elsewhere = {"colorama"}  # for Windows only
    assert asked | elsewhere >= locked(SHIPPED).keys()


def test_silence_is_not_taken_for_safety(tmp_path: Path) -> None:
    """Where nobody answers there is no result, but a reason."""
    with pytest.raises(Unreachable, match="refused"):
        audit(with_known_bad(tmp_path, ROOT / SHIPPED), "--osv-url", "http://127.0.0.1:9/v1/query")


def test_its_bill_of_materials_is_whole(tmp_path: Path) -> None:
    """`make sbom` names each package that is shipped, in CycloneDX, each time alike."""
    bills = [tmp_path / name for name in ("first.json", "second.json")]
    for bill in bills:
        command = ["make", "--silent", "--assume-old=.venv/installed", "sbom"]
        subprocess.run(
            [*command, f"BIN={BIN}", f"SBOM={bill}"], cwd=ROOT, check=True, timeout=SECONDS,
            env=os.environ | {"MAKEFLAGS": ""},
        )  # fmt: skip
    first, second = (bill.read_bytes() for bill in bills)
    assert first == second
    document = json.loads(first)
    assert document["bomFormat"] == "CycloneDX"
    assert document["metadata"]["component"]["name"] == "mingle"
    named = {each["purl"].split("?")[0] for each in document["components"]}
    assert named == {
        "pkg:pypi/" + line.split(" ")[0].replace("==", "@")
        for [line, *_] in locked(SHIPPED).values()
    }
