"""Jars are fetched once, whole, by however many ask."""

import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from servers import jars
from servers.errors import DownloadFailed, ServerError, ToolMissing
from servers.lock import locked

LEAVES_TWO_JARS = """
for argument; do case $argument in -DoutputDirectory=*) out=${argument#*=};; esac; done
mkdir -p "$out"; touch "$out/b.jar" "$out/a.jar"
"""


class Maven:
    """A stand-in for mvn that does what its script says and counts its runs."""

    def __init__(self, folder: Path) -> None:
        self._program = folder / "mvn"
        self._runs = folder / "runs"

    def does(self, script: str) -> None:
        self._program.write_text(f"#!/bin/sh\necho run >> {self._runs}\n{script}")
        self._program.chmod(self._program.stat().st_mode | stat.S_IXUSR)

    @property
    def runs(self) -> int:
        return len(self._runs.read_text().splitlines())


@pytest.fixture
def maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Maven:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    maven = Maven(folder)
    maven.does(LEAVES_TWO_JARS)
    return maven


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def test_second_fetch_downloads_nothing(maven: Maven, cache: Path) -> None:
    """The jars come sorted, from a folder that names the version."""
    files = jars.fetch_jars("kafka", cache)
    assert [file.name for file in files] == ["a.jar", "b.jar"]
    assert re.fullmatch(r"kafka-4\.1\.\d+-[0-9a-f]{8}", files[0].parent.name)
    assert jars.fetch_jars("kafka", cache) == files
    assert maven.runs == 1


def test_concurrent_fetches_download_once(maven: Maven, cache: Path) -> None:
    """One of many processes downloads, and all get the same jars."""
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: jars.fetch_jars("kafka", cache), range(4)))
    assert answers == [answers[0]] * 4
    assert maven.runs == 1


def test_failed_download_leaves_nothing(maven: Maven, cache: Path) -> None:
    """Maven's output is shown, and the next fetch starts again."""
    maven.does(LEAVES_TWO_JARS + "echo no route to host; exit 1")
    with pytest.raises(DownloadFailed, match="no route to host"):
        jars.fetch_jars("kafka", cache)
    assert [path.name for path in cache.iterdir()] == ["kafka.lock"]
    maven.does(LEAVES_TWO_JARS)
    assert jars.fetch_jars("kafka", cache)


def test_missing_maven_says_what_to_install(
    cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without Maven a full cache is enough, and an empty one is not."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match="apt-get install maven"):
        jars.fetch_jars("kafka", cache)
    (cache / jars.release_name("kafka")).mkdir(parents=True)
    assert jars.fetch_jars("kafka", cache) == []


def test_cache_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Tests and the command line agree on where jars are."""
    monkeypatch.setenv("MINGLE_SERVERS_CACHE", str(tmp_path))
    assert jars.default_cache() == tmp_path
    monkeypatch.delenv("MINGLE_SERVERS_CACHE")
    monkeypatch.setenv("HOME", "/home/alice")
    assert jars.default_cache() == Path("/home/alice/.cache/mingle/servers")


def test_held_lock_times_out(tmp_path: Path) -> None:
    """The error after a long wait names the file that another process holds."""
    path = tmp_path / "lock"
    with locked(path, timeout=1), pytest.raises(ServerError, match=str(path)), locked(path, 0.1):
        pytest.fail("two hold one lock")
    with locked(path, timeout=1):
        pass
