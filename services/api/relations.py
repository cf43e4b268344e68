"""Endpoints of a user's relations and own settings, for clients and for support."""

from collections.abc import Sequence
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
    summary="List a user's relations and own settings of one kind",
    query=RelationsQuery,
    access=Access.OWNER,
    response=answers.Relations,
    example=examples.RELATIONS,
)
READ_RELATION = Operation(
    id="readRelation",
    path="/v1/users/{user_id}/relations/{other_id}",
    summary="Read the relationship of a user to another; never tells whether the other blocks them",
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
        start = pager.open_cursor("before", query.before)
        after = start.position if start is not None else PostId(0)
        if query.kind in ("lists", "tags", "keyword_mutes"):
            own = (await people_reader.relations.about(viewer, ())).own
            page = _page(_own_items(own, query.kind), after, query.limit)
        else:
            found = await _people(people_reader, viewer, query, UserId(after))
            people = [answers.person(each, clock() * 1_000) for each in found.people]
            if query.kind == "mutes":  # without those that expired
                people = [each for each in people if each.mute]
            page = _Page(people, found.last)
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
    """Return a user's lists, tags or keyword mutes by their positions."""
    if kind == "lists":
        return {each: answers.own_list(each, rules) for each, rules in own.lists.items()}
    if kind == "tags":
        return {_tag_position(tag): answers.FollowedTag(tag) for tag in own.tags}
    return {mute.keyword_id: answers.muted_words(mute) for mute in own.keyword_mutes}


def _tag_position(tag: str) -> int:
    """Return a position for a tag that fits into a cursor."""
    return int.from_bytes(sha256(tag.encode()).digest()[:8]) % MAX_ID + 1


def _page(found: dict[int, Any], after: int, limit: int) -> _Page:
    positions = [each for each in sorted(found) if each > after]
    items = [found[each] for each in positions[:limit]]
    return _Page(items, positions[limit - 1] if len(positions) > limit else None)
