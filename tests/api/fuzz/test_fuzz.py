"""Random requests meet no bug and get only documented answers of the documented shape."""

import asyncio
from typing import Any

import hypothesis
import schemathesis
from hypothesis import HealthCheck
from schemathesis.checks import negative_data_rejection, positive_data_acceptance
from schemathesis.specs.openapi.schemas import OpenApiSchema

from schemas.ids import MAX_ID, PostId, UserId
from services.api.cursors import Cursors
from services.api.page_position import PagePosition, bare_position
from services.api.parameters import is_id
from services.api.stream.changes import ReaderState
from services.api.stream.resume import seal
from services.api.stream.watcher import stream_listing
from tests.api.issuer import SECRET, bearer
from tests.api.village import ALICE, BOB, CAROL, Village, api_on

Json = dict[str, Any]
LIST = 7
USERS = [ALICE, BOB, CAROL]
PEOPLE = {"user_id", "other_id", "viewer", "author"}
CURSORS = {"before", "after", "newer_than"}
some = hypothesis.settings(max_examples=20, suppress_health_check=list(HealthCheck))


async def create_posts(village: Village) -> list[PostId]:
    """Create every kind of post, and follow edges that make some of them visible."""
    await village.follows(ALICE, BOB)
    await village.follows(BOB, CAROL, replies="all")
    root = await village.post(BOB, minutes_ago=9, lang="en", text="hello")
    answer = await village.reply(CAROL, root, minutes_ago=8)
    posts = [
        root,
        answer,
        await village.reply(BOB, answer, minutes_ago=7),
        await village.reply(BOB, MAX_ID >> 8, minutes_ago=7),
        await village.post(CAROL, minutes_ago=6, visibility="followers", text="\x00 \N{SNOWMAN}"),
        await village.post(BOB, minutes_ago=6, visibility="direct", mentions=[CAROL]),
        await village.post(BOB, minutes_ago=5, repost_of=answer),
        await village.post(ALICE, minutes_ago=4, repost_of=root),
    ]
    await village.delete(CAROL, answer)
    await village.follows_tag(ALICE, "bread")
    posts.append(await village.post(CAROL, text="Fresh bread", tags=["Bread"]))
    await village.lists(ALICE, LIST, BOB, CAROL)
    return posts


WORDS = ["bread", "Fresh", "hello", "#bread"]


VILLAGE = Village()
POSTS = asyncio.run(create_posts(VILLAGE))


def fuzzed(**settings: Any) -> OpenApiSchema:
    """Return a test case over the API whose ids and cursors are often valid."""
    app = api_on(VILLAGE.stores, max_wait_seconds=0.001, stream_lifetime_seconds=0.01, **settings)
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)

    @schema.hook
    def map_path_parameters(_context: object, given: Json | None) -> Json | None:
        return None if given is None else {name: known(name, each) for name, each in given.items()}

    @schema.hook
    def map_query(_context: object, given: Json | None) -> Json | None:
        return None if given is None else {name: known(name, each) for name, each in given.items()}

    @schema.hook
    def map_headers(_context: object, given: Json | None) -> Json | None:
        """Replace half of the event ids by ones of alice's stream."""
        if given and len(given.get("Last-Event-ID", "")) % 2:
            held = ReaderState(POSTS[-1], {POSTS[0]: b"edit", POSTS[1]: b"gone"})
            given["Last-Event-ID"] = seal(Cursors(()), stream_listing(UserId(ALICE)), held)
        return given

    return schema


def known(name: str, value: object) -> object:
    """Replace three in four well-formed ids and cursors by existing ones."""
    if not isinstance(value, str):
        return value
    choice = sum(value.encode("utf-8", "surrogatepass"))
    if name in CURSORS and value and choice % 4:
        sealing = f"home/{ALICE}" if choice % 2 else f"posts/{BOB}/"
        place = bare_position(POSTS[choice % len(POSTS)])
        if choice % 3 and place.position > POSTS[0]:
            place = PagePosition(place.position, POSTS[0], (place.position,))
        return Cursors(()).seal(sealing, place)
    if name in {"tag", "q", "any", "all", "none"} and value and choice % 4:
        return WORDS[choice % len(WORDS)]
    if not is_id(value) or not choice % 4:
        return value
    if name == "list_id":
        return str(LIST)
    return str(
        (USERS if name in {"user_id", "other_id", "viewer", "author"} else POSTS)[choice % 3]
    )


def held(case: schemathesis.Case[Any], headers: dict[str, str] | None = None) -> None:
    # A cursor that is made up is well-formed and still none of ours.
    excluded = [positive_data_acceptance]
    if headers:
        # What is wrong with a case may be the header that is put right here.
        excluded.append(negative_data_rejection)
    case.call_and_validate(headers=headers, excluded_checks=excluded)


open_to_all, guarded = fuzzed(), fuzzed(auth_secret=SECRET)


@open_to_all.parametrize()
@some
def test_with_no_authentication(case: schemathesis.Case[Any]) -> None:
    """The setup of a local run."""
    held(case)


@guarded.parametrize()
@some
def test_without_a_token(case: schemathesis.Case[Any]) -> None:
    """The API requires tokens."""
    held(case)


@guarded.parametrize()
@some
def test_with_alices_token(case: schemathesis.Case[Any]) -> None:
    """Her token lets her act as herself."""
    held(case, bearer(ALICE))


@guarded.parametrize()
@some
def test_with_every_scope(case: schemathesis.Case[Any]) -> None:
    """The caller is a service that acts for everybody."""
    held(case, bearer(CAROL, ["act-as", "operate"]))
