"""What somebody said of others and set for himself: for callers, and for whoever helps people."""

from collections.abc import Iterable, Sequence
from functools import partial
from hashlib import sha256
from typing import Any, Final, NamedTuple

from litestar import Response

from schemas.ids import MAX_ID, PostId, UserId
from services.api import answers, examples
from services.api.auth.access import Access
from services.api.cursors import Cursors
from services.api.operation import AnyRequest, Endpoint, Operation
from services.api.pages import Pager
from services.api.queries import RelationQuery, RelationsQuery
from services.clock import Clock
from services.readers.people import PeoplePage, RelationsReader
from services.relations.mutation import SubjectKind
from services.relations.relations import OwnSettings

LIST_RELATIONS = Operation(
    id="listRelations",
    path="/v1/users/{user_id}/relations",
    summary="What a user said of others and set for himself, one kind at a time",
    query=RelationsQuery,
    access=Access.OWNER,
    response=answers.Relations,
    example=examples.RELATIONS,
)
READ_RELATION = Operation(
    id="readRelation",
    path="/v1/users/{user_id}/relations/{other_id}",
    summary="How a user and another stand to each other; not whether the other blocks him",
    query=RelationQuery,
    access=Access.OWNER,
    response=answers.Person,
    example=examples.PERSON,
)
_SUBJECT_KINDS: Final = {
    "follows": SubjectKind.FOLLOW,
    "blocks": SubjectKind.BLOCK,
    "mutes": SubjectKind.MUTE,
}


class _Page(NamedTuple):
    items: Sequence[Any]
    last: int | None


def endpoints(people_reader: RelationsReader, cursors: Cursors, clock: Clock) -> list[Endpoint]:
    async def list_relations(_: AnyRequest, query: RelationsQuery, viewer: UserId) -> Response[Any]:
        pager = Pager(cursors, f"relations/{viewer}/{query.kind}")
        place = pager.open_cursor("before", query.before)
        after = place.position if place is not None else PostId(0)
        if query.kind in ("lists", "tags", "keyword_mutes"):
            own = (await people_reader.relations.about(viewer, ())).own
            page = _page(_own_items(own, query.kind), after, query.limit)
        else:
            found = await _people(people_reader, viewer, query, UserId(after))
            people = [answers.person(each, clock() * 1_000) for each in found.people]
            muted = [each for each in people if each.mute or query.kind != "mutes"]
            page = _Page(muted, found.last)
        return Response(answers.Relations(page.items, pager.cursor_at(page.last)))

    async def read_relation(_: AnyRequest, query: RelationQuery, viewer: UserId) -> Response[Any]:
        (found,) = await people_reader.relationships(viewer, [UserId(int(query.other_id))])
        return Response(answers.person(found, clock() * 1_000))

    return [Endpoint(LIST_RELATIONS, list_relations), Endpoint(READ_RELATION, read_relation)]


async def _people(
    people_reader: RelationsReader, owner: UserId, query: RelationsQuery, after: UserId
) -> PeoplePage:
    read = people_reader.followers
    if query.kind in _SUBJECT_KINDS:
        read = partial(people_reader.page, kind=_SUBJECT_KINDS[query.kind])
    return await read(owner, after=after, limit=query.limit)


def _own_items(own: OwnSettings, kind: str) -> dict[int, Any]:
    """What somebody set for himself, by what it is ordered by."""
    if kind == "lists":
        return {each: answers.own_list(each, rules) for each, rules in own.lists.items()}
    if kind == "tags":
        return {_tag_position(tag): answers.FollowedTag(tag) for tag in own.tags}
    return {mute.keyword_id: answers.muted_words(mute) for mute in own.keyword_mutes}


def _tag_position(tag: str) -> int:
    """A tag's place in an order that has room in a cursor."""
    return int.from_bytes(sha256(tag.encode()).digest()[:8]) % MAX_ID + 1


def _page(found: dict[int, Any], after: int, limit: int) -> _Page:
    later: Iterable[int] = (each for each in sorted(found) if each > after)
    places = list(later)[: limit + 1]
    items = [found[each] for each in places[:limit]]
    return _Page(items, places[limit - 1] if len(places) > limit else None)
