"""Follower lists as rows and packs, on tables in memory whose requests take any time."""

import asyncio
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from schemas.ids import SLOTS, UserId, Version, slot
from services.graph import cassandra
from services.graph.cassandra import CassandraGraph
from services.graph.edge import EdgeMutation
from services.graph.packs import CHUNK_FOLLOWERS, MAX_BITS, Pack, next_pack_number
from services.graph.store import SlotRange
from services.storage.session import Store
from services.storage.statements import Row, Statement

ALICE = UserId(1)
CROWD = [UserId(each) for each in range(10, 16)]
TURNS = (0, 0, 1, 1, 2, 3, 80)
"""Of the loop before a request is done at the store, and again until its answer is there: some are
overtaken by whole reads."""


class Tables:
    """A store of follower lists; each request is done at one moment between its call and answer."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._edges: dict[tuple[int, ...], tuple[int, bool]] = {}
        self._heads: dict[int, dict[str, int]] = {}
        self._blobs: dict[tuple[int, int, int], bytes] = {}
        self._changes: dict[tuple[int, int, int], set[int]] = {}
        self.answered: set[str] = set()

    async def read(self, statement: Statement, *values: Any) -> list[tuple[Any, ...]]:
        await self._pass()
        rows = list(self._rows(statement, values))
        await self._pass()
        return rows

    async def read_arrays(self, statement: Statement, *values: Any) -> dict[str, NDArray[Any]]:
        rows = await self.read(statement, *values)
        names = statement.cql.split(" FROM ")[0].removeprefix("SELECT ").split(", ")
        names = [name.split(" AS ")[-1] for name in names]
        kinds = [bool if name == "removed" else np.int64 for name in names]
        columns = zip(*rows, strict=True) if rows else [()] * len(names)
        return {
            name: np.array(column, kind)
            for name, column, kind in zip(names, columns, kinds, strict=True)
        }

    async def write(self, rows: Sequence[Row]) -> None:
        await asyncio.gather(*(self._write(each.statement, each.values) for each in rows))

    async def write_columns(self, statement: Statement, columns: Mapping[str, Any]) -> None:
        count = max(len(each) for each in columns.values() if not isinstance(each, int))
        spread = {name: np.broadcast_to(each, count).tolist() for name, each in columns.items()}
        rows = [dict(zip(spread, row, strict=True)) for row in zip(*spread.values(), strict=True)]
        await asyncio.gather(*(self._write(statement, each) for each in rows))

    async def _pass(self) -> None:
        for _ in range(self._chance.choice(TURNS)):
            await asyncio.sleep(0)

    async def _write(self, statement: Statement, row: Mapping[str, Any]) -> None:
        await self._pass()
        author = row["followee_id"]
        chunk = (author, row.get("pack", 0), row.get("chunk", 0))
        match statement.table:
            case "followers":
                names = ("followee_id", "level", "part", "slot", "follower_id")
                key = tuple(row[name] for name in names)
                said = (row["version"], row["removed"])
                self._edges[key] = max(self._edges.get(key, said), said)
            case "follower_levels":
                head = self._heads.setdefault(author, {})
                for name in {"level", "pack"} & row.keys():
                    head[name] = max(head.get(name, 0), row[name])
            case "follower_packs":
                self._blobs[chunk] = row["followers"]
            case "follower_changes":
                self._changes.setdefault(chunk, set()).add(row["follower_id"])
        await self._pass()

    def _rows(self, statement: Statement, values: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        answers: dict[tuple[str, str], Callable[..., Iterator[tuple[Any, ...]]]] = {
            ("follower_levels", "read"): self._head_rows,
            ("followers", "page"): self._pages,
            ("followers", "versions"): self._versions,
            ("followers", "sample"): lambda *_: iter(()),
            ("follower_packs", "read"): self._blob_rows,
            ("follower_changes", "read"): self._changed,
        }
        return answers[statement.table, statement.operation](*values)

    def _head_rows(self, authors: Sequence[int]) -> Iterator[tuple[Any, ...]]:
        for author in set(authors) & self._heads.keys():
            yield author, self._heads[author].get("level"), self._heads[author].get("pack")

    def _pages(
        self, authors: Sequence[int], level: int, parts: Sequence[int], start: int, end: int
    ) -> Iterator[tuple[Any, ...]]:
        for (author, at, part, place, follower), (_, removed) in self._edges.items():
            if author in authors and at == level and part in parts and start <= place < end:
                yield author, follower, removed

    def _versions(
        self, author: int, level: int, parts: Sequence[int], keys: Sequence[tuple[int, int]]
    ) -> Iterator[tuple[Any, ...]]:
        for part, (place, follower) in product(parts, keys):
            said = self._edges.get((author, level, part, place, follower))
            if said:
                self.answered.add("versions")
                yield follower, said[1], said[0]

    def _blob_rows(self, *where: Any) -> Iterator[tuple[Any, ...]]:
        author, pack, chunks = where
        for chunk in chunks:
            if (author, pack, chunk) in self._blobs:
                self.answered.add("blob")
                yield chunk, self._blobs[author, pack, chunk]

    def _changed(
        self, author: int, pack: int, chunks: Sequence[int], limit: int
    ) -> Iterator[tuple[Any, ...]]:
        for chunk in chunks:
            for each in sorted(self._changes.get((author, pack, chunk), ()))[:limit]:
                self.answered.add("changes")
                yield chunk, each


class PackAuditor:
    """Judges what readers are told beside what writers were doing."""

    def __init__(self) -> None:
        self._now = 0
        self._said: list[tuple[EdgeMutation, int, float]] = []

    def turn(self) -> int:
        self._now += 1
        return self._now

    async def record(self, graph: CassandraGraph, mutations: Sequence[EdgeMutation]) -> None:
        began = self.turn()
        places = range(len(self._said), len(self._said) + len(mutations))
        self._said += [(each, began, float("inf")) for each in mutations]
        await graph.record(mutations)
        for place in places:
            self._said[place] = (self._said[place][0], began, self.turn())

    def may_say(self, follower: UserId, began: int, ended: int) -> set[bool]:
        """Whether he follows: by all that was there before, and anything that came meanwhile."""
        theirs = [each for each in self._said if each[0].follower_id == follower]
        before = [(edge.version, edge.removed) for edge, _, done in theirs if done < began]
        maybe = [(edge.version, edge.removed) for edge, start, _ in theirs if start < ended]
        surely = max(before, default=(-1, True))
        return {not removed for _, removed in [surely, *(each for each in maybe if each > surely)]}


@pytest.mark.parametrize("schedules", [20, pytest.param(1_000, marks=pytest.mark.proof)])
@pytest.mark.parametrize("part_rows", [0, 10**9])
@pytest.mark.parametrize("changes", [0, 1, 3])
async def test_every_edge_that_was_recorded_before_a_list_is_read_is_seen(
    changes: int, part_rows: int, schedules: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever writers, readers and keepers do meanwhile, in a hundred schedules or thousands.

    With levels that rise at every write, and with none.
    """
    monkeypatch.setattr(cassandra, "CHECK_EVERY", 1)
    answered: set[str] = set()
    for seed in range(schedules):
        chance = random.Random(seed)
        tables = Tables(chance)
        graph = CassandraGraph(
            cast("Store", tables),
            lambda: 0,
            part_rows=part_rows,
            packed_from=1,
            changes=changes,
        )
        await history(chance, graph)
        answered |= tables.answered
    assert {"blob", "changes"} <= answered
    assert ("versions" in answered) == (changes > 0 or part_rows == 0)


async def history(chance: random.Random, graph: CassandraGraph) -> None:
    auditor = PackAuditor()

    async def writes() -> None:
        for _ in range(4):
            some = [
                EdgeMutation(each, ALICE, Version(chance.randrange(9)), chance.random() < 0.5)
                for each in chance.sample(CROWD, chance.randrange(1, 3))
            ]
            await auditor.record(graph, some)

    async def reads() -> None:
        for _ in range(6):
            start, end = sorted(chance.sample([0, SLOTS // 4, SLOTS // 2, SLOTS], 2))
            began = auditor.turn()
            [found] = await graph.followers([SlotRange(ALICE, start, end)])
            ended = auditor.turn()
            assert len(set(found.tolist())) == len(found)
            for each in CROWD:
                inside = start <= slot(each) < end
                may = auditor.may_say(each, began, ended) if inside else {False}
                assert (each in found) in may, (each, began, ended)

    await asyncio.gather(writes(), writes(), reads(), reads())


def test_packs_follow_each_other_and_have_as_many_chunks_as_pages() -> None:
    """Numbers rise, also from a pack of many chunks to one of few."""
    assert next_pack_number(0, 10) == 16
    assert next_pack_number(0, CHUNK_FOLLOWERS) == 16
    assert next_pack_number(0, CHUNK_FOLLOWERS + 1) == 17
    assert next_pack_number(0, 1_000_000) == 16 + 8
    assert next_pack_number(16 + 8, 10) == 32
    assert next_pack_number(32, 10**12) == 48 + MAX_BITS
    assert Pack(ALICE, 16).chunks(0, SLOTS) == [0]
    assert Pack(ALICE, 18).chunks(SLOTS // 4, SLOTS // 4 + 1) == [1]
    assert Pack(ALICE, 18).chunks(SLOTS // 4 - 1, SLOTS) == [0, 1, 2, 3]
