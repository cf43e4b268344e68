"""The contract of `services.posts.store`."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.canonical import canonical, canonical_id
from schemas.events import (
    EDITABLE,
    PostCreated,
    PostDeleted,
    PostEdited,
    QuoteDetached,
    ReplyCreated,
)
from schemas.ids import MAX_ID, PostId, UserId, Version
from services.posts.memory import MemoryPosts
from services.posts.post import IMMUTABLE, Post, PostMutation, post_mutation
from services.posts.store import MAX_ANCESTOR_HINT
from services.stores import Stores
from tests.contracts.histories import NewPost, People

CREATED, EDITED, LATER = 1_759_900_000_000_000, 1_759_900_000_000_001, 1_759_900_000_000_002


def created(post: PostId, author: UserId, version: int = CREATED, **fields: Any) -> PostMutation:
    return post_mutation(PostCreated(post_id=post, author_id=author, version=version, **fields))


def edited(post: PostId, author: UserId, version: int = EDITED, **fields: Any) -> PostMutation:
    return post_mutation(PostEdited(post_id=post, author_id=author, version=version, **fields))


def deleted(post: PostId, author: UserId, version: int = LATER) -> PostMutation:
    return post_mutation(PostDeleted(post_id=post, author_id=author, version=version))


async def loaded(stores: Stores, post: PostId) -> Post:
    return (await stores.posts.load([post]))[post]


async def test_claims_are_loaded_one_by_one(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """Each as its author's messages make it, with the version of its visibility."""
    post, unknown, gone = new_post(), new_post(), new_post()
    await stores.posts.record(
        [
            created(post, people.alice, CREATED, text="mine"),
            edited(post, people.alice, EDITED, visibility="direct"),
            edited(post, people.alice, LATER, text="newer"),
            created(post, people.bob, LATER, text="no, mine"),
            edited(unknown, people.alice, visibility="direct"),
            created(gone, people.alice),
            deleted(gone, people.alice),
        ]
    )
    found = await stores.posts.load_claims([post, unknown, gone])
    claims = {(each.post.post_id, each.post.author_id): each for each in found}
    assert len(found) == len(claims) == 3
    alices, bobs = claims[post, people.alice], claims[post, people.bob]
    assert (alices.post.text, alices.post.visibility) == ("newer", "direct")
    assert alices.visibility_version == EDITED
    assert (bobs.post.text, bobs.post.visibility) == ("no, mine", "public")
    assert bobs.visibility_version == LATER
    assert claims[gone, people.alice].post.deleted


async def test_a_post_is_what_its_creation_says(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    root, parent, post = new_post(), new_post(), new_post()
    await stores.posts.record(
        [
            post_mutation(
                ReplyCreated(
                    post_id=post,
                    author_id=people.alice,
                    version=CREATED,
                    parent_id=parent,
                    root_id=root,
                    text='Grüße, "Bob"\n',
                    lang="de",
                    visibility="followers",
                    mentions=(people.bob,),
                    tags=("straße",),
                    links=("https://example.org/",),
                    reply_gate=("mentioned",),
                )
            )
        ]
    )
    assert await loaded(stores, post) == Post(
        post_id=post,
        author_id=people.alice,
        parent_id=parent,
        root_claim=root,
        text='Grüße, "Bob"\n',
        lang="de",
        visibility="followers",
        mentions=frozenset({people.bob}),
        tags=("straße",),
        links=("https://example.org/",),
        reply_gate=("mentioned",),
    )


async def test_unknown_posts_are_left_out(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    known, unknown = new_post(), new_post()
    await stores.posts.record([created(known, people.alice)])
    assert set(await stores.posts.load([unknown, known, known])) == {known}
    assert await stores.posts.load([]) == {}


async def test_an_edit_states_some_fields_and_leaves_the_others(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    post = new_post()
    await stores.posts.record([created(post, people.alice, text="helo", lang="en")])
    await stores.posts.record([edited(post, people.alice, text="hello")])
    found = await loaded(stores, post)
    assert (found.text, found.lang, found.edited) == ("hello", "en", True)


async def test_an_edit_that_comes_before_its_post_waits_for_it(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    post = new_post()
    await stores.posts.record([edited(post, people.alice, text="hello")])
    assert await stores.posts.load([post]) == {}
    await stores.posts.record([created(post, people.alice, text="helo")])
    assert (await loaded(stores, post)).text == "hello"


async def test_an_older_edit_that_comes_late_changes_nothing(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    post = new_post()
    await stores.posts.record([created(post, people.alice)])
    await stores.posts.record([edited(post, people.alice, LATER, text="last")])
    await stores.posts.record([edited(post, people.alice, EDITED, text="before", lang="en")])
    found = await loaded(stores, post)
    assert (found.text, found.lang) == ("last", "en")


async def test_of_two_creations_the_lowest_version_has_what_never_changes(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """And the highest has the rest, whichever came first."""
    post, first_parent, second_parent = new_post(), new_post(), new_post()
    say = {"post_id": post, "author_id": people.alice}
    later = ReplyCreated(**say, parent_id=second_parent, text="later", version=EDITED)
    first = ReplyCreated(**say, parent_id=first_parent, text="first", version=CREATED)
    for fact in (later, first):
        await stores.posts.record([post_mutation(fact)])
    found = await loaded(stores, post)
    assert (found.parent_id, found.text, found.edited) == (first_parent, "later", True)


async def test_at_equal_versions_the_larger_bytes_win(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    post = new_post()
    for text in ("m", "z", "a"):
        await stores.posts.record([created(post, people.alice, text=text)])
    assert (await loaded(stores, post)).text == "z"


async def test_the_lowest_version_then_the_lowest_author_owns_an_id(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    post, other = new_post(), new_post()
    await stores.posts.record(
        [
            created(post, people.alice, EDITED, text="claimed"),
            created(post, people.bob, CREATED, text="owned"),
            created(other, people.carol, text="claimed"),
            created(other, people.bob, text="owned"),
        ]
    )
    found = await stores.posts.load([post, other])
    assert [(each.author_id, each.text) for each in found.values()] == [(people.bob, "owned")] * 2


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_a_deletion_is_final_whatever_its_version(
    stores: Stores, people: People, new_post: NewPost, order: tuple[int, ...]
) -> None:
    """Its words are gone; who wrote it, what it answers and whom it was for stay known."""
    post, parent = new_post(), new_post()
    fact = ReplyCreated(
        post_id=post,
        author_id=people.alice,
        version=EDITED,
        parent_id=parent,
        text="regret",
        lang="en",
        tags=("regret",),
        links=("https://example.org/",),
        visibility="followers",
    )
    told = [
        post_mutation(fact),
        edited(post, people.alice, LATER, text="more regret", lang="de", tags=("more",)),
        deleted(post, people.alice, CREATED - 1),
    ]
    for place in order:
        await stores.posts.record([told[place]])
    found = await loaded(stores, post)
    assert (found.deleted, found.text, found.links) == (True, "", ())
    assert (found.lang, found.tags) == (None, ())
    assert (found.author_id, found.parent_id) == (people.alice, parent)
    assert found.visibility == "followers"


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_blanked_words_are_gone_whatever_the_order(
    stores: Stores, people: People, new_post: NewPost, order: tuple[int, ...]
) -> None:
    """All else is as the messages say, and another's claim of the id keeps its words."""
    post, parent = new_post(), new_post()
    fact = ReplyCreated(
        post_id=post,
        author_id=people.alice,
        version=CREATED,
        parent_id=parent,
        text="hush",
        lang="en",
        tags=("hush",),
        links=("https://example.org/",),
        mentions=(people.carol,),
    )
    told = [
        lambda: stores.posts.record([post_mutation(fact)]),
        lambda: stores.posts.blank([(post, people.alice)]),
        lambda: stores.posts.record(
            [edited(post, people.alice, LATER, text="more", tags=("b",), visibility="followers")]
        ),
    ]
    for place in order:
        await told[place]()
    await stores.posts.record([created(post, people.bob, LATER, text="no, mine")])
    found = await loaded(stores, post)
    assert (found.text, found.lang, found.tags, found.links) == ("", None, (), ())
    assert (found.author_id, found.parent_id, found.deleted) == (people.alice, parent, False)
    assert found.visibility == "followers"
    assert found.mentions == {people.carol}
    claims = await stores.posts.load_claims([post])
    assert {each.post.text for each in claims} == {"", "no, mine"}


async def test_only_the_author_deletes(stores: Stores, people: People, new_post: NewPost) -> None:
    post = new_post()
    await stores.posts.record([created(post, people.alice, text="mine"), deleted(post, people.bob)])
    found = await loaded(stores, post)
    assert (found.deleted, found.text) == (False, "mine")


async def test_a_deletion_alone_makes_no_post(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    post = new_post()
    await stores.posts.record([deleted(post, people.alice)])
    assert await stores.posts.load([post]) == {}


async def test_the_longest_line_of_ancestors_stays(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    post, *line = (new_post() for _ in range(MAX_ANCESTOR_HINT + 1))
    await stores.posts.record([created(post, people.alice)])
    for length in (2, MAX_ANCESTOR_HINT, 1):
        await stores.posts.hint_ancestors({(post, people.alice): line[:length]})
    assert (await loaded(stores, post)).ancestor_hint == tuple(line)


async def test_a_line_belongs_to_a_claim(stores: Stores, people: People, new_post: NewPost) -> None:
    post, above = new_post(), new_post()
    await stores.posts.record([created(post, people.alice), created(post, people.bob, LATER)])
    await stores.posts.hint_ancestors({(post, people.bob): [above]})
    assert (await loaded(stores, post)).ancestor_hint == ()


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_a_quote_keeps_what_it_quotes_and_who_detached_it(
    stores: Stores, people: People, new_post: NewPost, order: tuple[int, ...]
) -> None:
    """The lowest version says what it quotes; what is detached stays so, whatever comes later."""
    post, quoted, other = new_post(), new_post(), new_post()
    detached = QuoteDetached(post_id=post, author_id=people.bob, version=0)
    facts = [
        created(post, people.alice, quote_of=quoted),
        created(post, people.alice, EDITED, quote_of=other),
        post_mutation(detached),
    ]
    for place in order:
        await stores.posts.record([facts[place]])
    found = await loaded(stores, post)
    assert found.quote_of == quoted
    assert found.detached_by == {people.bob}
    assert await stores.posts.load([quoted]) == {}


async def test_many_posts_are_loaded_at_once(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """More than one request takes."""
    posts = [new_post() for _ in range(1_100)]
    await stores.posts.record([created(post, people.alice, text=str(post)) for post in posts])
    found = await stores.posts.load(posts)
    assert {post: each.text for post, each in found.items()} == {post: str(post) for post in posts}


async def test_nothing_to_record_is_nothing_done(stores: Stores) -> None:
    await stores.posts.record([])
    await stores.posts.hint_ancestors({})


VERSIONS = st.sampled_from([0, 1, CREATED, EDITED, LATER, MAX_ID - 1])
TEXTS = st.sampled_from(["", "a", "é", "ab", '"', "b"])
IDS = st.sampled_from([1, 2, 10])


@st.composite
def facts(draw: st.DrawFn) -> tuple[int, PostMutation]:
    """What one message says of some post by some author; the first says whose of three."""
    author, version = draw(st.integers(0, 2)), Version(draw(VERSIONS))
    values = {field: canonical(field, draw(TEXTS)) for field in ("text", "lang")}
    kind = draw(st.sampled_from(["created", "edited", "deleted", "detached"]))
    if kind == "detached":
        return author, PostMutation(PostId(0), UserId(0), version, {}, {}, False, True)
    if kind == "deleted":
        return author, PostMutation(PostId(0), UserId(0), version, {}, {}, True)
    if kind == "edited":
        stated = {field: values[field] for field in draw(st.sets(st.sampled_from(sorted(values))))}
        return author, PostMutation(PostId(0), UserId(0), version, {}, stated, False)
    stated = {field: canonical(field, None) for field in EDITABLE} | values
    above = {field: canonical_id(draw(IDS)) for field in IMMUTABLE}
    return author, PostMutation(PostId(0), UserId(0), version, above | stated, stated, False)


@given(histories=st.lists(st.lists(facts(), min_size=1, max_size=6), min_size=1, max_size=20))
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_every_store_merges_as_the_law_says(
    stores: Stores,
    people: People,
    new_post: NewPost,
    histories: list[list[tuple[int, PostMutation]]],
) -> None:
    """The memory adapter is the plain reading of it: any history, told once in any batches."""
    plain, told, posts = MemoryPosts(), [], []
    for history in histories:
        posts.append(new_post())
        told += [
            fact._replace(post_id=posts[-1], author_id=people[author]) for author, fact in history
        ]
    await plain.record(told)
    half = len(told) // 2
    for part in (told[half:], told[:half]):
        await stores.posts.record(part)
    assert await stores.posts.load(posts) == await plain.load(posts)
