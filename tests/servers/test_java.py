"""The right Java is found, or what to install is said."""

from pathlib import Path

import pytest

from servers import java
from servers.errors import ToolMissing
from servers.java import ClassArchive, Java


def install(home: Path, version: str) -> Path:
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"""#!/bin/sh\necho 'openjdk version "{version}" 2025-04-15' >&2\n""")
    program.chmod(0o755)
    return program


@pytest.fixture(autouse=True)
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No Java anywhere, and nothing remembered."""
    monkeypatch.delenv("MINGLE_JAVA_HOME", raising=False)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr("servers.java.shutil.which", lambda _: None)
    monkeypatch.setattr("servers.java.SYSTEM_FOLDERS", (str(tmp_path / "system"),))
    monkeypatch.setattr("servers.java.find_java", java.find_java.__wrapped__)


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('java version "1.8.0_402"', 8),
        ("no Java at all", None),
    ],
)
def test_major_version(build: str, expected: int | None) -> None:
    """The version is found in the output of every vendor."""
    assert java.major_version(build) == expected


def test_java_home_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mingle's own setting wins over the machine's."""
    ours, theirs = (install(tmp_path / name, "17.0.1") for name in ("ours", "theirs"))
    monkeypatch.setenv("JAVA_HOME", str(theirs.parents[1]))
    assert java.find_java().program == str(theirs)
    monkeypatch.setenv("MINGLE_JAVA_HOME", str(ours.parents[1]))
    assert java.find_java().program == str(ours)


def test_other_versions_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A newer Java in JAVA_HOME does not hide the right one that the system has."""
    newer = install(tmp_path / "newer", "21.0.2")
    right = install(tmp_path / "system" / "java-17", "17.0.15")
    monkeypatch.setenv("JAVA_HOME", str(newer.parents[1]))
    assert java.find_java().program == str(right)


def test_missing_java_says_what_to_install() -> None:
    """The error names the package."""
    with pytest.raises(ToolMissing, match="install a JDK 17"):
        java.find_java()


def test_archive_is_written_once_and_then_used(tmp_path: Path) -> None:
    """The first run writes the archive, later ones read it."""
    archive = ClassArchive.of("kafka-4.1.2", Java("java", "17.0.15"), tmp_path, tmp_path / "run")
    archive.fresh.parent.mkdir()
    assert f"-XX:ArchiveClassesAtExit={archive.fresh}" in archive.options()
    archive.fresh.write_text("classes")
    archive.keep()
    assert archive.kept.read_text() == "classes"
    assert f"-XX:SharedArchiveFile={archive.kept}" in archive.options()


def test_archive_belongs_to_one_java(tmp_path: Path) -> None:
    """Another build of Java has an archive of its own."""
    builds = [Java("java", "17.0.15"), Java("java", "17.0.16")]
    archives = {ClassArchive.of("kafka", build, tmp_path, tmp_path).kept for build in builds}
    assert len(archives) == 2


def test_run_that_leaves_no_archive(tmp_path: Path) -> None:
    """A killed server has written none, and nothing is kept."""
    archive = ClassArchive.of("kafka", Java("java", "17"), tmp_path, tmp_path)
    archive.keep()
    assert archive.missing


def test_arguments_are_quoted(tmp_path: Path) -> None:
    """Blanks, quotes and backslashes reach the JVM as they are."""
    path = tmp_path / "java.args"
    java.write_arguments(path, ["-Xmx1g", 'a "b" c\\d'])
    assert path.read_text() == '"-Xmx1g"\n"a \\"b\\" c\\\\d"\n'
