"""Finds Java, and keeps parsed classes for faster starts."""

import functools
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from servers.errors import ToolMissing

NEEDED = 17
"""Cassandra 5.0 runs on 11 and 17 only, Kafka 4 on 17 and above."""

SYSTEM_FOLDERS = ("/usr/lib/jvm", "/Library/Java/JavaVirtualMachines")
ANSWER_SECONDS = 20

JAVA_MISSING = (
    f"no Java {NEEDED} was found in MINGLE_JAVA_HOME, JAVA_HOME, PATH or {SYSTEM_FOLDERS[0]}: "
    f"install a JDK {NEEDED}, e.g. `apt-get install openjdk-{NEEDED}-jdk-headless`"
)


class Java(NamedTuple):
    program: str
    build: str
    """Output of `java -version`: archived classes belong to one build."""


@functools.cache
def find_java() -> Java:
    """Return the first Java of the needed version. Raises ToolMissing."""
    for program in _candidates(os.environ):
        build = _build(program)
        if build and major_version(build) == NEEDED:
            return Java(program, build)
    raise ToolMissing(JAVA_MISSING)


def major_version(build: str) -> int | None:
    """Return 17 for `openjdk version "17.0.15" …`, 8 for the older `"1.8.0"`."""
    found = re.search(r'version "(?:1\.)?(\d+)', build)
    return int(found.group(1)) if found else None


def _candidates(environment: "os._Environ[str] | dict[str, str]") -> Iterator[str]:
    for variable in ("MINGLE_JAVA_HOME", "JAVA_HOME"):
        if home := environment.get(variable):
            yield str(Path(home, "bin", "java"))
    if found := shutil.which("java"):
        yield found
    for folder in map(Path, SYSTEM_FOLDERS):
        yield from map(str, sorted(folder.glob("*/bin/java")))
        yield from map(str, sorted(folder.glob("*/Contents/Home/bin/java")))


def _build(program: str) -> str | None:
    try:
        answer = subprocess.run(  # noqa: S603 - a program the user pointed at
            [program, "-version"],
            capture_output=True,
            text=True,
            timeout=ANSWER_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stderr if answer.returncode == 0 else None


@dataclass(frozen=True, slots=True)
class ClassArchive:
    """A server's parsed and verified classes, which make later starts a third faster.

    The first orderly stop writes the archive to the server's folder, from where it is moved to the
    cache. The JVM ignores an archive that does not match it or the class path.
    """

    kept: Path
    fresh: Path

    @classmethod
    def of(cls, release: str, java: Java, cache: Path, folder: Path) -> "ClassArchive":
        build = hashlib.sha256(java.build.encode()).hexdigest()[:8]
        return cls(cache / f"{release}-java-{build}.jsa", folder / "classes.jsa")

    @property
    def missing(self) -> bool:
        return not self.kept.exists()

    def options(self) -> tuple[str, ...]:
        """Return JVM options that use the archive, or write it at exit if there is none."""
        self.fresh.unlink(missing_ok=True)
        if self.missing:
            return (f"-XX:ArchiveClassesAtExit={self.fresh}", "-Xlog:cds*=error")
        return (f"-XX:SharedArchiveFile={self.kept}", "-Xlog:cds*=error")

    def keep(self) -> None:
        """Move an archive that the JVM has written to the cache, atomically."""
        if not self.fresh.exists():
            return
        temporary = self.kept.with_name(f".{self.kept.name}-{os.getpid()}")
        shutil.move(self.fresh, temporary)
        temporary.replace(self.kept)


def write_arguments(path: Path, arguments: Iterable[str]) -> None:
    """Write an argument file for `java @path`: one quoted argument a line."""
    path.write_text("".join(f"{_quoted(argument)}\n" for argument in arguments))


def _quoted(argument: str) -> str:
    escaped = argument.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
