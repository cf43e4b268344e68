"""The workflow of GitHub: it gives `.ci/run` a machine, and nothing else runs there."""

import re
from pathlib import Path
from typing import Any

import yaml

WORKFLOW = Path(__file__).parents[2] / ".github" / "workflows" / "ci.yaml"
PINNED = re.compile(r"uses: (?P<action>[\w/-]+)@(?P<commit>[0-9a-f]{40}) # v\d+\.\d+\.\d+$")


def workflow() -> Any:
    return yaml.load(WORKFLOW.read_text(), yaml.BaseLoader)  # strings: "on" would be true


def test_it_runs_what_everybody_runs() -> None:
    """One job, one command, on each change and on what became of main."""
    assert workflow()["on"].keys() == {"push", "pull_request"}
    (job,) = workflow()["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert int(job["timeout-minutes"]) <= 60


def test_it_may_only_read() -> None:
    """A change from outside gets no token that writes, and none stays in the checkout."""
    assert workflow()["permissions"] == {"contents": "read"}
    (job,) = workflow()["jobs"].values()
    assert "permissions" not in job
    checkout = job["steps"][0]
    assert checkout["uses"].startswith("actions/checkout@")
    assert checkout["with"]["persist-credentials"] == "false"


def test_its_actions_are_pinned() -> None:
    """By commit, with the version beside it: a tag can be moved."""
    used = [line for line in WORKFLOW.read_text().splitlines() if "uses:" in line]
    assert used
    assert all(PINNED.search(line) for line in used)
