"""Endpoints of mentions and of what waits for an answer."""

from functools import partial
from typing import Any

from litestar import Response

from schemas.ids import UserId
from services.api import examples, mention_answers
from services.api.auth.access import Access
from services.api.cursors import Cursors
from services.api.operation import AnyRequest, Endpoint, Operation
from services.api.page_position import PagePosition, bare_position
from services.api.pages import Pager, ReadPage
from services.api.problems import BadParameter
from services.api.queries import MentionsQuery, PageQuery, UnansweredQuery
from services.readers.mentions import MentionsReader
from services.readers.paging import Page, PageRequest
from services.readers.unanswered import Unanswered

READ_MENTIONS = Operation(
    id="readMentions",
    path="/v1/users/{user_id}/mentions",
    summary="List the posts that mention, answer or quote a user or stand in their line",
    query=MentionsQuery,
    access=Access.OWNER,
    response=mention_answers.MentionListing,
    example=examples.MENTIONS,
    response_headers=("Link",),
)
READ_UNANSWERED = Operation(
    id="readUnanswered",
    path="/v1/users/{user_id}/unanswered",
    summary="List the posts that mention or answer a user and have no answer of theirs",
    query=UnansweredQuery,
    access=Access.OWNER,
    response=mention_answers.MentionListing,
    example=examples.MENTIONS,
    response_headers=("Link",),
)


class OldestFirstPager(Pager):
    """Pages of a listing that begins with its oldest entry.

    `next` goes on to newer entries, `prev` back to older ones. What comes late is found by walking
    again: there is no end at which to wait for it.
    """

    async def _read_older(
        self, query: PageQuery, read: ReadPage
    ) -> tuple[Page, PagePosition | None]:
        if query.newer_than is not None:
            raise BadParameter("newer_than", "cannot be combined with `sort=oldest`")
        before = self.open_cursor("before", query.before)
        page = await read(PageRequest(query.limit, before=before and before.position))
        return page, bare_position(page.items[0].post_id) if page.items else None

    async def _read_newer(
        self, query: PageQuery, read: ReadPage
    ) -> tuple[Page, PagePosition | None]:
        for name in ("before", "newer_than"):
            if getattr(query, name) is not None:
                raise BadParameter("after", f"cannot be combined with `{name}`")
        start = self.open_cursor("after", query.after)
        assert start is not None
        page = await read(PageRequest(query.limit, after=start.position))
        return page, bare_position(page.newer or start.position)


def endpoints(mentions: MentionsReader, cursors: Cursors) -> list[Endpoint]:
    unanswered = Unanswered(mentions)

    async def read_mentions(
        request: AnyRequest, query: MentionsQuery, viewer: UserId
    ) -> Response[Any]:
        pager = Pager(cursors, f"mentions/{viewer}", mention_answers.mention)
        return await pager.respond(request, query, partial(mentions.page, viewer))

    async def read_unanswered(
        request: AnyRequest, query: UnansweredQuery, viewer: UserId
    ) -> Response[Any]:
        made = Pager if query.sort == "newest" else OldestFirstPager
        pager = made(cursors, f"unanswered/{query.sort}/{viewer}", mention_answers.mention)
        read = partial(unanswered.page, viewer, sort=query.sort)
        return await pager.respond(request, query, read)

    return [Endpoint(READ_MENTIONS, read_mentions), Endpoint(READ_UNANSWERED, read_unanswered)]
