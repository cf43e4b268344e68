"""Reads what a worker or an API says of itself over HTTP."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

ANSWER_SECONDS = 30.0
"""For a worker on a busy machine."""


class Site:
    """A worker or an API by its port."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def lives(self) -> bool:
        """Whether it is up and finds itself alive."""
        return self._is_well("livez")

    def is_ready(self) -> bool:
        return self._is_well("readyz")

    def problems(self, path: str = "readyz") -> list[str]:
        """What keeps it from being ready: with any it answers 503, with none 200."""
        answer = self._get(path)
        problems: list[str] = answer.json()["problems"]
        assert answer.status_code == (503 if problems else 200)
        return problems

    def has_problem(self, start: str) -> bool:
        """Whether it is up, and a problem that begins so keeps it from being ready."""
        return self.lives() and any(each.startswith(start) for each in self.problems())

    def total(self, name: str, **labels: str) -> float:
        """A sample's value, over all labels that are not given."""
        return sum(
            sample.value
            for family in text_string_to_metric_families(self._get("metrics").text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def postponed(self) -> float:
        """Messages that a worker has put off: the store or a broker did not do its part."""
        return self.total("timeline_events_handled_total", outcome="postponed")

    def unowned(self) -> float:
        """Partitions without an owner, as a worker sees them."""
        return self.total("timeline_partitions_unowned")

    def _is_well(self, path: str) -> bool:
        try:
            return self._get(path).is_success
        except httpx.TransportError:
            return False

    def _get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.url}/{path}", timeout=ANSWER_SECONDS, trust_env=False)
