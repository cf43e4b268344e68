"""Recipes: what differs between servers. Everything else is in `servers.server`."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from servers import jars, java

CONFIG = Path(__file__).parent / "config"


@dataclass(frozen=True, kw_only=True)
class ServerConfig:
    """Configuration of any server.

    `folder` holds its data, configuration, log and process id. `ephemeral` is for tests: fast to
    start, slow under load, and killed when the process that started it ends.
    """

    folder: Path
    port: int
    heap: str
    cache: Path = field(default_factory=jars.default_cache)
    ephemeral: bool = False


class Recipe(ABC):
    """Prepares, launches and probes one kind of server."""

    name: str

    def __init__(self, config: ServerConfig) -> None:
        self.config = config
        self.folder = config.folder.absolute()

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def arguments(self) -> Path:
        """The argument file of the JVM; its path marks the process as ours."""
        return self.folder / "java.args"

    @abstractmethod
    def ports(self) -> Sequence[int]:
        """Return every port the server listens on, the public one first."""

    @abstractmethod
    def prepare(self) -> Sequence[str]:
        """Write the files that a start needs and return the command; may download."""

    @abstractmethod
    def answers(self, timeout: float) -> bool:
        """Whether a client gets an answer through the public port within the timeout."""

    def archive(self) -> java.ClassArchive:
        release = jars.release_name(self.name)
        return java.ClassArchive.of(release, java.find_java(), self.config.cache, self.folder)

    def options(self) -> Iterator[str]:
        """Yield JVM options of every server."""
        yield f"-Xmx{self.config.heap}"
        yield "-XX:+ExitOnOutOfMemoryError"
        yield f"-XX:ErrorFile={self.folder}/jvm-error-%p.log"
        yield from self.archive().options()
        if self.config.ephemeral:
            yield "-XX:+UseSerialGC"
            yield "-XX:TieredStopAtLevel=1"
        else:
            yield f"-Xms{self.config.heap}"

    def render(self, template: str, values: dict[str, object]) -> Path:
        """Fill in a template of `servers/config` and write it to the server's folder."""
        filled = Template((CONFIG / template).read_text()).substitute(values)
        path = self.folder / template
        path.write_text(filled)
        return path


def class_path(files: Sequence[Path]) -> str:
    return ":".join(map(str, files))
