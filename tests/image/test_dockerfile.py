"""The image, without an engine: its file linted, and its steps run by hand."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "Dockerfile"
HADOLINT = Path(sys.executable).with_name("hadolint")
BUILD_SECONDS = 280.0
ANSWER_SECONDS = 60.0
MOST_BYTES = 300_000_000
USER = 10_001
FOLDERS = ("/opt/mingle", "/src")
"""What the steps write to; by hand, below a folder of the test."""

pytestmark = pytest.mark.timeout(600)


class Step(NamedTuple):
    """An instruction of the Dockerfile."""

    name: str
    told: str


class Image:
    """What the steps make, below a folder instead of in an image."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._environment = {"PATH": os.defpath, "HOME": "/nonexistent"}
        self.user = 0

    def take(self, steps: list[Step]) -> None:
        """Run the steps of all stages."""
        at = "/"
        for name, told in steps:
            if name == "WORKDIR":
                at = told
                self.place(at).mkdir(parents=True, exist_ok=True)
            elif name == "COPY" and not told.startswith("--from=build"):
                *sources, target = told.split()
                for source in sources:
                    self._copy(source, self.place(at) / target)
            elif name == "RUN":
                self._run(told, at)
            elif name == "ENV":
                pairs = re.findall(r"(\w+)=(\S+)", told)
                self._environment |= {key: self._placed(value) for key, value in pairs}
            elif name == "USER":
                self.user = int(told.split(":")[0])

    def place(self, path: str) -> Path:
        return Path(self._placed(path))

    def _placed(self, text: str) -> str:
        for each in FOLDERS:
            text = re.sub(rf"(?<![\w/]){each}(?!\w)", f"{self.folder}{each}", text)
        return text.replace("$PATH", os.defpath)

    def _copy(self, source: str, target: Path) -> None:
        if (ROOT / source).is_dir():
            kept = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / source, target, ignore=kept)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / source, target)

    def _run(self, command: str, at: str) -> None:
        base = Path(sysconfig.get_config_var("BINDIR"), "python3.11")
        placed = self._placed(command).replace("python -m venv", f"{base} -m venv")
        placed = placed.replace("--no-cache-dir ", "")  # hashes are checked, wherever it comes from
        done = subprocess.run(
            ["sh", "-ec", placed], cwd=self.place(at), check=False, capture_output=True, text=True,
            env=os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONWARNINGS": "ignore"},
            timeout=BUILD_SECONDS,
        )  # fmt: skip
        assert done.returncode == 0, (placed, done.stdout, done.stderr)

    def start(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """The entry point as the image's user; the file system is read-only where that can be."""
        command = [str(self.place("/opt/mingle/bin/mingle")), *arguments]
        return subprocess.run(
            [*_read_only(), *_as(self.user), *command], cwd="/", env=self._environment | settings,
            check=False, capture_output=True, text=True, timeout=ANSWER_SECONDS,
        )  # fmt: skip

    def files(self) -> dict[str, str]:
        """Digest of each file that the image would hold."""
        made = self.place("/opt/mingle")
        return {
            str(file.relative_to(made)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in made.rglob("*")
            if file.is_file() and not file.is_symlink()
        }


def _as(user: int) -> list[str]:
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--no-new-privs"]


def _read_only() -> list[str]:
    if os.geteuid() != 0:
        return []
    return ["unshare", "--mount", "sh", "-c", 'mount -o bind,remount,ro / && exec "$@"', "sh"]


def steps() -> list[Step]:
    text = re.sub(r"\\\n\s*", "", DOCKERFILE.read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [Step(*line.split(" ", 1)) for line in lines]


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # for the image's user
        image = Image(Path(folder))
        image.take(steps())
        yield image


def test_it_passes_the_linter() -> None:
    """Hadolint has no complaint."""
    if not HADOLINT.exists():
        pytest.skip("hadolint is installed on Linux on x86-64 only")
    linted = subprocess.run([HADOLINT, DOCKERFILE], capture_output=True, check=False, timeout=60)
    assert linted.returncode == 0, linted.stdout.decode()


def test_it_is_made_of_locked_dependencies() -> None:
    """Pip takes nothing without a hash, the base is pinned to a version, the user has a number."""
    told = steps()
    installs = [step.told for step in told if step.name == "RUN" and "pip install" in step.told]
    assert all("--require-hashes" in each or "--no-deps" in each for each in installs)
    bases = {step.told.split(" AS ")[0] for step in told if step.name == "FROM"}
    (base,) = bases
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm", base)
    (user,) = (step.told for step in told if step.name == "USER")
    assert user == f"{USER}:{USER}"


def test_its_lock_agrees_with_the_tests() -> None:
    """What runs in the image is what was tested: the same versions and hashes."""
    tested, shipped = (locked(name) for name in ("requirements.lock", "requirements-image.lock"))
    assert shipped.items() <= tested.items()
    assert "pytest" in tested.keys() - shipped.keys()


def locked(name: str) -> dict[str, tuple[str, ...]]:
    """The lines of each requirement, without comments."""
    found: dict[str, tuple[str, ...]] = {}
    current = ""
    for line in (ROOT / name).read_text().splitlines():
        if re.match(r"[a-z]", line):
            current = line.split("==")[0]
            found[current] = (line.split(" ;")[0].rstrip(" \\"),)
        elif "--hash" in line:
            found[current] += (line.strip(" \\"),)
    return found


def test_what_it_copies_is_in_its_context() -> None:
    """.dockerignore leaves everything out but what is copied."""
    kept = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = [step.told.split()[:-1] for step in steps() if step.name == "COPY"]
    ours = {source for sources in copied for source in sources if not sources[0].startswith("--")}
    assert ours == kept
    assert all((ROOT / source).exists() for source in ours)


@pytest.mark.proof
def test_every_command_is_in_it(image: Image) -> None:
    """As a user without rights, on a file system that nobody can write to."""
    assert image.user == USER
    listed = image.start("settings", "--json")
    assert listed.returncode == 0, listed.stderr
    assert {row["variable"] for row in json.loads(listed.stdout)} > {"MINGLE_STORE"}
    for command in ("migrate", "topics", "loadtest", "dead-letters"):  # the demo runs the others
        helped = image.start(command, "--help")
        assert helped.returncode == 0, helped.stderr


@pytest.mark.proof
def test_the_whole_of_it_runs(image: Image) -> None:
    """Broker, worker and API in one process: nothing of it needs to write a file."""
    shown = image.start("demo")
    assert shown.returncode == 0, (shown.stdout, shown.stderr)


@pytest.mark.proof
def test_it_is_small(image: Image) -> None:
    """What it adds to its base, and neither pip nor anything that tests need."""
    files = [file for file in image.place("/opt/mingle").rglob("*") if file.is_file()]
    assert sum(file.lstat().st_size for file in files) < MOST_BYTES
    packages = {
        each.name for each in image.place("/opt/mingle/lib/python3.11/site-packages").iterdir()
    }
    assert not packages & {"pip", "setuptools", "pytest", "mypy"}


@pytest.mark.proof
def test_it_is_reproducible(image: Image) -> None:
    """Built again it has the same files, byte by byte."""
    first = image.files()
    for each in FOLDERS:
        shutil.rmtree(image.place(each))
    image.take(steps())
    second = image.files()
    differing = {name for name in first | second if first.get(name) != second.get(name)}
    assert not differing
