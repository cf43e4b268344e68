"""Documentation is narrow enough to review, and its links, anchors and paths are true."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

ROOT = Path(__file__).parents[2]
MAX_LINE = 200
FENCE = re.compile(r"^\s*(```|~~~)")
HEADING = re.compile(r"^#{1,6} +(.*?) *$")
LINK = re.compile(r"!?\[(?P<text>[^\][]*)\]\((?P<target>[^()\s]+)\)")
CODE = re.compile(r"`([^`]+)`")
NAMED = re.compile(r"[\w.-]+(?:/[\w.-]+)*/?")
"""What a name in backticks looks like where it is a path: no spaces, patterns or placeholders."""
FOLDERS = (
    *("mingle", "schemas", "services", "streams", "servers", "loadtest", "k8s", "tests"),
    *("docs", "tools"),
)


def tracked_pages() -> list[Path]:
    """Return the Markdown files of the project: those that Git has, or would add.

    In a copy without Git those at the top and in the folders of the project.
    """
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        return [page for name in listed.stdout.splitlines() if (page := ROOT / name).is_file()]
    below = (page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md"))
    return sorted([*ROOT.glob("*.md"), *below])


PAGES = tracked_pages()
GUIDES = [
    page
    for page in PAGES
    if (ROOT / "docs") in page.parents or page.name in {"README.md", "CONTRIBUTING.md"}
]
"""The pages whose names of files must be true. The changelog also names what is gone."""


class Line(NamedTuple):
    number: int
    text: str


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix() if page.is_relative_to(ROOT) else page.name


def prose(text: str) -> Iterator[Line]:
    """Yield the lines outside code fences."""
    fenced = False
    for number, line in enumerate(text.split("\n"), 1):
        if FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            yield Line(number, line)


def joined(text: str) -> str:
    """Return the prose as one string, so that a link may be broken over two lines."""
    return "\n".join(line.text for line in prose(text))


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    found: set[str] = set()
    for line in prose(text):
        if heading := HEADING.match(line.text):
            anchor = slug(heading[1])
            again = sum(each == anchor or each.startswith(f"{anchor}-") for each in found)
            found.add(f"{anchor}-{again}" if anchor in found else anchor)
    return found


def slug(heading: str) -> str:
    plain = LINK.sub(lambda link: link["text"], heading).replace("`", "")
    return re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")


def too_long(text: str) -> list[int]:
    """Return the numbers of the lines that are too long to review."""
    return [line.number for line in prose(text) if len(line.text) > MAX_LINE]


def broken_links(page: Path, text: str) -> list[str]:
    """Return the targets of relative links whose file or anchor does not exist."""
    broken = []
    for link in LINK.finditer(CODE.sub("", joined(text))):
        target = link["target"]
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        exists = not path or (file.exists() and ROOT in (file, *file.parents))
        if exists and anchor:
            exists = file.suffix == ".md" and anchor in anchors(
                text if file == page else file.read_text()
            )
        if not exists:
            broken.append(target)
    return broken


def untrue_paths(text: str) -> list[str]:
    """Return the names in backticks that look like a file of the project and are none."""
    untrue = []
    for code in CODE.finditer(joined(text)):
        name = code[1]
        first, slash, _ = name.partition("/")
        if not NAMED.fullmatch(name) or not slash or first not in FOLDERS:
            continue
        if not (ROOT / name).exists():
            untrue.append(name)
    return untrue


def runbook_urls() -> list[str]:
    rules: Any = yaml.safe_load((ROOT / "k8s/components/monitoring/alerts.yaml").read_text())
    return [
        rule["annotations"]["runbook_url"].rpartition("}}")[2].strip()
        for group in rules["spec"]["groups"]
        for rule in group["rules"]
        if "annotations" in rule
    ]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_lines_are_short_enough_to_review(page: Path) -> None:
    """Tables are no exception; what stands in a code fence is as its program prints it."""
    assert too_long(page.read_text()) == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    """Relative links reach a file of the project, and a heading where they name one."""
    assert broken_links(page, page.read_text()) == []


@pytest.mark.parametrize("page", GUIDES, ids=name_of)
def test_named_files_exist(page: Path) -> None:
    """A file or folder that a guide names in backticks is where it says."""
    assert untrue_paths(page.read_text()) == []


def test_alerts_lead_to_headings() -> None:
    """The page that an alert links has the heading, as an anchor."""
    urls = runbook_urls()
    assert urls
    assert broken_links(ROOT / "page.md", "\n".join(f"[r]({url})" for url in urls)) == []


def test_each_decision_is_in_the_index() -> None:
    """Once, by its link."""
    folder = ROOT / "docs" / "decisions"
    links = [link["target"] for link in LINK.finditer((folder / "README.md").read_text())]
    pages = sorted(page.name for page in folder.glob("[0-9]*.md"))
    assert sorted(each for each in links if each[0].isdigit()) == pages


def test_what_is_wrong_is_found() -> None:
    """A long line, a missing file, a missing heading, a moved path; not what is in a fence."""
    wide = "x" * (MAX_LINE + 1)
    assert too_long(f"a\n{wide}\n| {wide} |\n```\n{wide}\n```\n{wide[1:]}") == [2, 3]
    page = ROOT / "docs" / "page.md"
    wrong = "[a](gone.md) [b\nc](design.md#gone) [d](#nowhere) [e](../../outside.md)"
    assert broken_links(page, f"# Here\n{wrong}") == [
        "gone.md",
        "design.md#gone",
        "#nowhere",
        "../../outside.md",
    ]
    right = "[a](design.md) [b](design.md#the-law) [c](#here-it-is) [d](https://example.com/#x)"
    assert broken_links(page, f"# Here `it` is\n{right}\n```\n[z](gone.md)\n```") == []
    named = "`services/gone.py` `docs/gone/` `services/errors.py` `a/b` `k8s/` `tests/*.py`"
    assert untrue_paths(named) == ["services/gone.py", "docs/gone/"]
    assert anchors("# A\n## B, c & `d`\n```\n# no\n```\n# A\n") == {"a", "b-c--d", "a-1"}
