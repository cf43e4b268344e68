"""Scenarios: who posts, who reads, and the phases of a run. Data, read from YAML."""

from importlib import resources
from pathlib import Path
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

CountField = Annotated[int, Meta(ge=1)]
RateField = Annotated[float, Meta(gt=0)]
SecondsField = Annotated[float, Meta(gt=0, le=86_400)]

MAX_USERS = 10_000_000
"""Their ids are drawn and sorted in memory: 80 MB."""
MAX_EDGES = 5_000_000
"""Loading them through the graph store takes a minute on a two-core machine."""
MIN_READERS = 10
"""Readers that scaling leaves: their homes are read again and again."""
MIN_POSTS = 4
"""Posts that scaling leaves of a phase: a rate from one post says nothing."""


class WrongScenario(ValueError):
    """A scenario that cannot be run; the message names the field."""


class ScenarioStruct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Part of a scenario file. Unknown fields are refused."""


class Group(ScenarioStruct, frozen=True, kw_only=True):
    """Similar authors: each has `followers`, or that many on average by a power law."""

    authors: CountField
    followers: Annotated[float, Meta(gt=0)]
    most: Annotated[int, Meta(ge=1)] | None = None
    """The most followers of an author; with it, counts follow the law of `loadtest.graph`."""


class Readers(ScenarioStruct, frozen=True, kw_only=True):
    """Users whose homes are read through the API during all phases."""

    count: CountField = 100
    follows: CountField = 40
    per_second: RateField = 10.0


class Maximum(ScenarioStruct, frozen=True, kw_only=True, tag="maximum", tag_field="kind"):
    """Publishes all posts at once and delivers them as fast as possible.

    With `references`, a loop without Kafka and Faust writes the same rows, in the same batches,
    after each repetition.
    """

    of: str
    posts: CountField
    repetitions: Annotated[int, Meta(ge=1, le=20)] = 3
    workers: Annotated[int, Meta(ge=1, le=16)] = 1
    references: bool = True


class Beside(ScenarioStruct, frozen=True, kw_only=True):
    """Posts of another group, spread over an open phase."""

    of: str
    posts: CountField = 1


class Open(ScenarioStruct, frozen=True, kw_only=True, tag="open", tag_field="kind"):
    """Sends posts at random times of a set rate, without waiting for anything."""

    of: str
    seconds: SecondsField
    per_second: RateField | None = None
    share_of_maximum: Annotated[float, Meta(gt=0, le=2)] | None = None
    """Share of the posts per second of the group's latest maximum phase."""
    beside: Beside | None = None
    replies: bool = False
    """The posts are replies in one thread, each to a random earlier one."""
    follows_per_second: RateField | None = None
    """New follow edges and ends of old ones, alternating."""
    away_seconds: SecondsField | None = None
    """How long the workers are stopped, after the first quarter of the phase."""


Phase: TypeAlias = Maximum | Open


class Expectation(ScenarioStruct, frozen=True, kw_only=True):
    """A bound on a figure of the report, by which the claim is judged."""

    figure: Annotated[str, Meta(pattern=r"^\w+(\.(\w+|\*))*$")]
    """Its place in report.json, such as `phases.0.outage.ratio_to_live_rate`; `*` is every one."""
    at_least: float | None = None
    at_most: float | None = None
    times: str | None = None
    """The place of another figure, of which the bound is a multiple."""


class Scenario(ScenarioStruct, frozen=True, kw_only=True):
    """A scenario file."""

    claim: str
    expect: list[Expectation] = []
    """The claim in figures. Without any it cannot be judged."""
    users: Annotated[int, Meta(ge=10, le=MAX_USERS)]
    groups: dict[str, Group]
    phases: Annotated[list[Phase], Meta(min_length=1)]
    readers: Readers | None = None
    seed: int = 1
    words: Annotated[int, Meta(ge=1, le=200)] = 12
    """In a post's text: PHEME's posts have a median of some hundred characters."""
    warm_up_seconds: Annotated[float, Meta(ge=0, le=600)] = 45.0
    """Cassandra's and Kafka's code is compiled while they work, for more than a minute."""
    settle_seconds: Annotated[float, Meta(ge=0, le=600)] = 60.0
    """Limit for the store to settle before each measurement: after a burst it takes 10 to 30. A
    measurement that begins while it has not settled is noted in the report."""
    reference_rows: CountField = 2_000_000
    """Rows of each reference that has no time limit."""

    def scaled(self, scale: float) -> "Scenario":
        """Return the scenario with users, readers, posts and seconds scaled.

        Rates stay, and so do followers and what readers follow; but nobody has more followers than
        there are users.
        """
        users = max(10, round(self.users * scale))
        return msgspec.structs.replace(
            self,
            users=users,
            groups={name: _scaled_group(each, scale, users) for name, each in self.groups.items()},
            phases=[_scaled_phase(each, scale) for each in self.phases],
            readers=self.readers and _scaled_readers(self.readers, scale, users),
            warm_up_seconds=self.warm_up_seconds * min(1.0, scale * 4),
            reference_rows=max(1_000, round(self.reference_rows * scale)),
        )


def scenario_names() -> list[str]:
    """Return the names of the scenarios that come with the program."""
    files = resources.files(__package__).joinpath("scenarios").iterdir()
    return sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml"))


def load_scenario(name: str) -> Scenario:
    """Return a scenario by its name, or by the path of its file. Raises WrongScenario."""
    if name in scenario_names():
        text = resources.files(__package__).joinpath("scenarios", f"{name}.yaml").read_bytes()
    elif Path(name).is_file():
        text = Path(name).read_bytes()
    else:
        raise WrongScenario(f"no scenario or file {name}; scenarios: {', '.join(scenario_names())}")
    return parse_scenario(text, name)


def parse_scenario(text: bytes, name: str) -> Scenario:
    """Return the scenario of a file. Raises WrongScenario."""
    try:
        scenario = msgspec.yaml.decode(text, type=Scenario)
    except msgspec.MsgspecError as error:
        raise WrongScenario(f"{name}: {error}") from error
    for number, phase in enumerate(scenario.phases):
        _check(scenario, phase, f"{name}: phases[{number}]")
    for number, each in enumerate(scenario.expect):
        if (each.at_least is None) == (each.at_most is None):
            place = f"{name}: expect[{number}]"
            raise WrongScenario(f"{place}: expected either at_least or at_most")
    edges = sum(each.authors * each.followers for each in scenario.groups.values())
    if edges > MAX_EDGES:
        raise WrongScenario(f"{name}: groups: {edges:,.0f} follow edges, at most {MAX_EDGES:,}")
    return scenario


def _check(scenario: Scenario, phase: Phase, place: str) -> None:
    if phase.of not in scenario.groups:
        raise WrongScenario(f"{place}.of: no group {phase.of}")
    if isinstance(phase, Maximum):
        return
    if (phase.per_second is None) == (phase.share_of_maximum is None):
        raise WrongScenario(f"{place}: expected either per_second or share_of_maximum")
    before = scenario.phases[: scenario.phases.index(phase)]
    if phase.share_of_maximum and not any(
        isinstance(p, Maximum) and p.of == phase.of for p in before
    ):
        raise WrongScenario(f"{place}.share_of_maximum: no maximum phase of {phase.of} before it")
    if phase.beside and phase.beside.of not in scenario.groups:
        raise WrongScenario(f"{place}.beside.of: no group {phase.beside.of}")
    if phase.away_seconds and phase.away_seconds >= phase.seconds * 3 / 4:
        raise WrongScenario(f"{place}.away_seconds: longer than the rest of the phase")


def _scaled_group(group: Group, scale: float, users: int) -> Group:
    return msgspec.structs.replace(
        group,
        authors=max(1, round(group.authors * scale)),
        followers=min(group.followers, users),
        most=None if group.most is None else min(group.most, users),
    )


def _scaled_readers(readers: Readers, scale: float, users: int) -> Readers:
    fewer = max(min(readers.count, MIN_READERS), round(readers.count * scale))
    return msgspec.structs.replace(readers, count=min(fewer, users))


def _scaled_phase(phase: Phase, scale: float) -> Phase:
    if isinstance(phase, Maximum):
        fewer = max(min(phase.posts, MIN_POSTS), round(phase.posts * scale))
        return msgspec.structs.replace(phase, posts=fewer)
    return msgspec.structs.replace(
        phase,
        seconds=max(1.0, phase.seconds * scale),
        away_seconds=phase.away_seconds and phase.away_seconds * scale,
    )
