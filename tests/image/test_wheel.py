"""The wheel: one name in site-packages, whatever else is there."""

import json
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tools.backend import PACKAGES, NotMovable, moved

ROOT = Path(__file__).parents[2]
SECONDS = 280.0
OTHER = "other-1.0-py3-none-any.whl"

pytestmark = pytest.mark.timeout(900)


def run(*command: str | Path, cwd: Path) -> str:
    ran = subprocess.run(
        list(map(str, command)), cwd=cwd, check=False, capture_output=True, text=True,
        env={"PATH": "", "HOME": str(cwd), "PYTHONWARNINGS": "ignore"}, timeout=SECONDS,
    )  # fmt: skip
    assert ran.returncode == 0, (command, ran.stdout, ran.stderr)
    return ran.stdout


def pip(*arguments: str | Path, cwd: Path) -> None:
    quiet = ("--quiet", "--disable-pip-version-check")
    run(sys.executable, "-m", "pip", *arguments, *quiet, cwd=cwd)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as the image builds it; nothing is left in the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    before = set(ROOT.iterdir())
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT, cwd=folder)
    assert set(ROOT.iterdir()) == before
    (built,) = folder.iterdir()
    return built


def other_wheel(folder: Path) -> Path:
    """A distribution that has packages of the names that ours have in a checkout."""
    wheel = folder / OTHER
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in PACKAGES:
            archive.writestr(f"{name}/__init__.py", "THEIRS = True\n")
        about = "other-1.0.dist-info"
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
        archive.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{about}/RECORD", "")
    return wheel


@pytest.fixture(scope="module", params=["locked", pytest.param("index", marks=pytest.mark.proof)])
def environment(
    request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """An environment with the wheel beside the other distribution, and what the lock names.

    That comes from the index, or is read where this environment has it: a path adds modules
    only, so the editable installation there is not seen.
    """
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    python = folder / "bin" / "python"
    into = ("--python", python, "install", "--no-deps")
    if request.param == "index":
        lock = ROOT / "requirements-image.lock"
        pip(*into, "--require-hashes", "--requirement", lock, cwd=folder)
    else:
        (site,) = (folder / "lib").glob("python*/site-packages")
        (site / "locked.pth").write_text(sysconfig.get_path("purelib"))
    for each in (other_wheel(folder), wheel):
        pip(*into, "--no-index", each, cwd=folder)
    return folder


def test_it_has_one_name(wheel: Path) -> None:
    """Everything is below `mingle`, data included, and the metadata says so."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (top,) = (name for name in names if name.endswith("/top_level.txt"))
        assert archive.read(top).split() == [b"mingle"]
    tops = {name.split("/")[0] for name in names}
    (about,) = tops - {"mingle"}
    assert about.endswith(".dist-info")
    ours = {
        f"mingle/{file.relative_to(ROOT)}".replace("mingle/mingle/", "mingle/")
        for top in ("mingle", *PACKAGES)
        for file in (ROOT / top).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert ours == {name for name in names if name.startswith("mingle/")}


def test_it_leaves_others_theirs(environment: Path) -> None:
    """What another distribution has under the same names is that distribution's."""
    code = (
        f"import {', '.join(PACKAGES)}; print(all(each.THEIRS for each in ({','.join(PACKAGES)})))"
    )
    assert run(environment / "bin" / "python", "-c", code, cwd=environment) == "True\n"


@pytest.mark.parametrize("start", ["script", "module"])
def test_its_version_is_that_of_its_api(environment: Path, start: str) -> None:
    """`mingle --version`, `python -m mingle --version` and OpenAPI say the same."""
    python = environment / "bin" / "python"
    command = [environment / "bin" / "mingle"] if start == "script" else [python, "-m", "mingle"]
    shown = run(*command, "--version", cwd=environment)
    code = (
        "from mingle.services.api.openapi import document; "
        "print(document((), authenticated=False)['info']['version'])"
    )
    version = run(python, "-c", code, cwd=environment).strip()
    assert shown == f"mingle, version {version}\n"


def test_all_of_its_modules_are_found(environment: Path) -> None:
    """Each can be imported below its name, and takes nothing from packages of the others."""
    code = (
        "import importlib, json, pkgutil, sys, mingle; "
        "names = [each.name for each in pkgutil.walk_packages(mingle.__path__, 'mingle.')"
        " if not each.name.endswith('.__main__')]; "
        "[importlib.import_module(name) for name in names]; "
        f"print(json.dumps([len(names), [name for name in {PACKAGES} if name in sys.modules]]))"
    )
    count, taken = json.loads(run(environment / "bin" / "python", "-c", code, cwd=environment))
    modules = [file for top in PACKAGES for file in (ROOT / top).rglob("*.py")]
    assert count >= len([file for file in modules if file.name != "__main__.py"])
    assert taken == []


def test_its_settings_are_listed(environment: Path) -> None:
    """A command finds its module and its data."""
    shown = run(environment / "bin" / "mingle", "settings", "--json", cwd=environment)
    assert {row["variable"] for row in json.loads(shown)} > {"MINGLE_STORE"}


def test_the_whole_of_it_runs(environment: Path) -> None:
    """Broker, worker, API: topics, migrations and import strings are found below `mingle`."""
    assert "metrics" in run(environment / "bin" / "mingle", "demo", cwd=environment)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("from services.clock import now_us", "from mingle.services.clock import now_us"),
        ("from schemas import (\n    ids,\n)", "from mingle.schemas import (\n    ids,\n)"),
        ("import schemas", "from mingle import schemas"),
        ("import services.clock as c", "import mingle.services.clock as c"),
        ("def f():\n    from streams import app", "def f():\n    from mingle.streams import app"),
        ("ä = 1; from streams import app", "ä = 1; from mingle.streams import app"),
        ("import servers_of_others", "import servers_of_others"),
        ("from streamsx import y", "from streamsx import y"),
        ('x = {"schemas": "streams"}', 'x = {"schemas": "streams"}'),
        ('"""services.clock tells."""', '"""services.clock tells."""'),
    ],
)
def test_imports_are_moved(was: str, becomes: str) -> None:
    """Line by line, so that a traceback shows the lines of the source."""
    assert moved(was.encode(), "module.py").decode() == becomes


@pytest.mark.parametrize(
    "line",
    [
        "import services.clock",
        "import json, services",
        "from \\\n  services import clock",
        'import_module("streams")',
        'x = "streams.cli"',
        'x = f"streams.cli.{name}"',
        'resources.files("schemas")',
    ],
)
def test_what_cannot_be_moved_stops_the_build(line: str) -> None:
    """A name in a string would be found in a checkout only; the message says file and line."""
    with pytest.raises(NotMovable, match=r"module\.py:1: "):
        moved(line.encode(), "module.py")
