"""What people say of each other: a sum of the messages, whatever their order, told twice or not."""

import json
from collections.abc import Iterable, Sequence
from itertools import product
from random import Random
from typing import Any

import msgspec

from schemas.ids import PostId, UserId
from services.relations.lists import ListRules, OwnedList
from services.relations.memory import MemoryRelations
from services.relations.mutation import RelationshipFact, SubjectKind, relation_mutation
from services.relations.relations import (
    Edge,
    KeywordMute,
    Mute,
    OwnSettings,
    ReadMark,
    Relationship,
)
from tests.histories import chances
from tests.properties.conftest import Prove
from tests.relations import LISTS, PEOPLE, POSTS, relation_histories

PAIRS = list(product(PEOPLE, PEOPLE))
Json = dict[str, Any]


class Told:
    """Merges a history by the rules of versions, from the messages as they are sent."""

    def __init__(self, facts: Iterable[RelationshipFact]) -> None:
        self._facts: list[Json] = msgspec.to_builtins(list(facts))

    def of(self, noun: str, **fields: Any) -> list[Json]:
        return [
            fact
            for fact in self._facts
            if fact["type"].startswith(f"{noun}.")
            and all(fact.get(name) == value for name, value in fields.items())
        ]

    def there(self, noun: str, **fields: Any) -> bool:
        """Whether the highest version is no removal."""
        about = self.of(noun, **fields)
        top = max((fact["version"] for fact in about), default=0)
        last = [fact["type"].split(".")[1] for fact in about if fact["version"] == top]
        return bool(last) and set(last) <= {"created", "added", "reinstated", "changed"}

    def option(self, noun: str, name: str, default: Any, **fields: Any) -> Any:
        """The value of the highest version, then of the larger bytes."""
        stated = [
            (fact["version"], json.dumps(value, separators=(",", ":")).encode())
            for fact in self.of(noun, **fields)
            if not fact["type"].endswith("deleted")
            for value in [default if fact.get(name) is None else fact[name]]
            for value in [sorted(set(value)) if isinstance(value, list) else value]
        ]
        return json.loads(max(stated)[1])

    def between(self, one: UserId, two: UserId) -> Relationship:
        mine, theirs = ({"owner_id": a, "target_id": b} for a, b in ((one, two), (two, one)))
        member = {
            each
            for each in LISTS
            if each in self.lists(one)
            and self.there("list_member", owner_id=one, list_id=each, member_id=two)
        }
        scope = expires_at = None
        if muted := self.there("mute", **mine):
            scope = self.option("mute", "scope", "all", **mine)
            expires_at = self.option("mute", "expires_at", None, **mine)
        return Relationship(
            self.edge(one, two),
            self.there("block", **mine),
            self.there("block", **theirs),
            Mute(scope, expires_at) if muted else None,
            frozenset(member),
        )

    def edge(self, one: UserId, two: UserId) -> Edge | None:
        pair = {"follower_id": one, "followee_id": two}
        blocks = [
            fact["version"]
            for a, b in ((one, two), (two, one))
            for fact in self.of("block", owner_id=a, target_id=b)
            if fact["type"] == "block.created"
        ]
        version = max((fact["version"] for fact in self.of("follow", **pair)), default=-1)
        if not self.there("follow", **pair) or version <= max(blocks, default=-1):
            return None
        return Edge(
            one,
            two,
            version,
            self.option("follow", "replies", "followed", **pair),
            self.option("follow", "reposts", True, **pair),
            self.option("follow", "bare_links", None, **pair),
            frozenset(self.option("follow", "languages", [], **pair)),
        )

    def owner(self, list_id: int) -> UserId | None:
        """Whoever made the list first."""
        made = self.of("list", list_id=list_id, type="list.created")
        return min(((fact["version"], fact["owner_id"]) for fact in made), default=(0, None))[1]

    def lists(self, owner: UserId) -> dict[int, ListRules]:
        found = {}
        for each in LISTS:
            its = {"owner_id": owner, "list_id": each}
            if self.owner(each) == owner and self.there("list", **its):
                found[each] = ListRules(
                    self.option("list", "replies", "list", **its),
                    self.option("list", "exclusive", False, **its),
                    self.option("list", "reposts", True, **its),
                )
        return found

    def own(self, owner: UserId) -> OwnSettings:
        me = {"owner_id": owner}
        tags: set[str] = set()
        for tag in ("bread", "salt"):
            facts = [each for each in self.of("tag_follow", **me) if tag in each["tag"].lower()]
            told = Told([])
            told._facts = [fact | {"tag": tag} for fact in facts]
            tags |= {tag} if told.there("tag_follow") else set()
        keywords = tuple(
            KeywordMute(
                each,
                self.option("keyword_mute", "phrase", "", **me, keyword_id=each),
                self.option("keyword_mute", "whole_word", True, **me, keyword_id=each),
                frozenset(self.option("keyword_mute", "contexts", [], **me, keyword_id=each)),
                self.option("keyword_mute", "action", "hide", **me, keyword_id=each),
                self.option("keyword_mute", "expires_at", None, **me, keyword_id=each),
            )
            for each in LISTS
            if self.there("keyword_mute", **me, keyword_id=each)
        )
        bare_links = True
        if self.of("settings", **me):
            bare_links = self.option("settings", "bare_links", None, **me) is not False
        muted = self.of("thread_mute", **me)
        return OwnSettings(
            bare_links,
            keywords,
            frozenset(tags),
            self.lists(owner),
            mutes_threads=any(each.get("everywhere") for each in muted),
            home_mark=self.home_mark(owner),
        )

    def home_mark(self, owner: UserId) -> ReadMark | None:
        up_to = self.mark(owner, "home")
        if up_to is None:
            return None
        version = max(m["version"] for m in self.of("read", owner_id=owner, what="home"))
        return ReadMark(PostId(0), SubjectKind.READ, PostId(up_to), version)

    def mark(self, owner: UserId, what: str) -> int | None:
        """The up_to of the highest version, then of the larger bytes."""
        marked = self.of("read", owner_id=owner, what=what)
        return max(((m["version"], str(m["up_to"]), m["up_to"]) for m in marked), default=[None])[
            -1
        ]


async def kept(facts: Sequence[RelationshipFact], chance: Random) -> MemoryRelations:
    """Told in any order, some of them twice, in any batches."""
    relations = MemoryRelations()
    again = chance.sample(facts, len(facts)) + chance.choices(facts, k=3)
    while again:
        batch, again = again[: (count := chance.randint(1, 4))], again[count:]
        await relations.record([relation_mutation(fact) for fact in batch])
    return relations


def test_how_people_stand_to_each_other(prove: Prove) -> None:
    """Edges, blocks with what they ended, mutes, memberships, and what each set for himself."""
    prove(people_stand, 150, relation_histories(), chances)


async def people_stand(facts: list[RelationshipFact], chance: Random) -> None:
    told, relations = Told(facts), await kept(facts, chance)
    for one in PEOPLE:
        found = await relations.about(one, PEOPLE)
        assert found.own == told.own(one)
        for two in PEOPLE:
            assert found.to(two) == told.between(one, two)


def test_pairs_pages_and_marks(prove: Prove) -> None:
    """Blocks and edges of any pairs, who is muted, how far somebody has read."""
    prove(pairs_and_marks, 150, relation_histories(), chances)


async def pairs_and_marks(facts: list[RelationshipFact], chance: Random) -> None:
    told, relations = Told(facts), await kept(facts, chance)
    assert await relations.blocked_pairs(PAIRS) == {
        pair for pair in PAIRS if told.between(*pair).blocked
    }
    assert await relations.followed_pairs(PAIRS) == {pair for pair in PAIRS if told.edge(*pair)}
    for one in PEOPLE:
        mutes = await relations.others(one, SubjectKind.MUTE, after=UserId(1), limit=1)
        muted = [two for two in PEOPLE if two > 1 and told.between(one, two).mute]
        assert list(mutes) == muted[:1]
        marks = await relations.marks(one, POSTS)
        home = (await relations.about(one, ())).own.home_mark
        assert (home and home.up_to) == told.mark(one, "home")
        assert marks.read == {
            post: at for post in POSTS if (at := told.mark(one, f"conversation:{post}"))
        }
        assert marks.set_aside == {
            post: at for post in POSTS if (at := told.mark(one, f"unanswered:{post}"))
        }
        assert marks.muted == {
            post for post in POSTS if told.there("thread_mute", owner_id=one, root_id=post)
        }
        assert marks.everywhere == {
            post
            for post in marks.muted
            if told.option("thread_mute", "everywhere", False, owner_id=one, root_id=post)
        }


def test_lists_and_accounts(prove: Prove) -> None:
    """A list is its first owner's; an erasure stays whatever comes after."""
    prove(lists_and_accounts, 150, relation_histories(), chances)


async def lists_and_accounts(facts: list[RelationshipFact], chance: Random) -> None:
    told, relations = Told(facts), await kept(facts, chance)
    inside = set()
    for each in LISTS:
        owner = told.owner(each)
        rules = None if owner is None else told.lists(owner).get(each)
        expected = None if owner is None or rules is None else OwnedList(owner, rules)
        members = set()
        if owner is not None and rules is not None:
            members = {two for two in PEOPLE if each in told.between(owner, two).lists}
        assert await relations.list_of(each) == expected
        assert set(await relations.members(each, after=UserId(0), limit=9)) == members
        inside |= {(each, member) for member in members}
    assert await relations.memberships(LISTS, PEOPLE) == inside
    assert await relations.suspended(PEOPLE) == {
        one
        for one in PEOPLE
        if told.of("account", owner_id=one, type="account.erased")
        or (told.of("account", owner_id=one) and not told.there("account", owner_id=one))
    }
