"""The contract of `services.mentions.store`."""

from schemas.ids import MAX_ID, PostId
from services.mentions.store import Answer, Mention
from services.span import Span
from services.stores import Stores
from tests.contracts.histories import NewPost, People


async def test_a_mention_is_in_its_users_page_once(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """However often it is added, in the order of the span, and in nobody else's."""
    posts = [new_post(days_old) for days_old in (20, 9, 1, 0)]
    for some in (posts, posts[::-1], posts[1:2]):
        await stores.mentions.add([Mention(people.alice, each) for each in some])
    assert await stores.mentions.page(people.alice, Span(), 100) == posts[::-1]
    oldest_first = Span(newest_first=False)
    assert await stores.mentions.page(people.alice, oldest_first, 100) == posts
    assert await stores.mentions.page(people.bob, Span(), 100) == []


async def test_a_page_is_of_a_span_and_a_limit(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """Both of its ends are exclusive, and the nearest come first."""
    posts = [new_post(days_old) for days_old in (20, 9, 8, 1)]
    await stores.mentions.add([Mention(people.alice, each) for each in posts])
    page = stores.mentions.page
    assert await page(people.alice, Span(posts[0], posts[3]), 100) == [posts[2], posts[1]]
    assert await page(people.alice, Span(), 2) == [posts[3], posts[2]]
    assert await page(people.alice, Span(newest_first=False), 2) == posts[:2]
    assert await page(people.alice, Span(posts[3], MAX_ID), 2) == []


async def test_what_is_a_day_ahead_is_found(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """As far as an id may be ahead of its record."""
    ahead = new_post(-1)
    await stores.mentions.add([Mention(people.alice, ahead)])
    assert await stores.mentions.page(people.alice, Span(), 1) == [ahead]


async def test_the_newest_answer_below_each_post_is_found(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """By its author, whatever else they wrote below other posts."""
    old, question, other, *answers = (new_post(days) for days in (20, 2, 2, 1, 1, 1))
    written = [Answer(people.alice, above, post) for above in (old, question) for post in answers]
    for each in (written, written[::-1], [Answer(people.bob, other, answers[0])]):
        await stores.mentions.add_answers(each)
    asked = [old, question, other]
    newest = await stores.mentions.newest_answers(people.alice, asked)
    assert newest == {old: answers[2], question: answers[2]}
    assert await stores.mentions.newest_answers(people.carol, asked) == {}
    assert await stores.mentions.newest_answers(people.bob, asked) == {other: answers[0]}


async def test_answers_are_read_newest_first(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """All below the posts that are asked for, up to a limit in all."""
    question, other, *answers = (new_post(days) for days in (2, 2, 1, 1, 1))
    await stores.mentions.add_answers(
        [Answer(people.alice, above, post) for above in (question, other) for post in answers]
    )
    read = stores.mentions.answers
    newest_first = answers[::-1]
    assert await read(people.alice, [question], 100) == {question: newest_first}
    whole = {question: newest_first, other: newest_first}
    assert await read(people.alice, [question, other], 100) == whole
    some: dict[PostId, list[PostId]] = await read(people.alice, [question, other], 4)
    assert sum(map(len, some.values())) == 4


async def test_what_is_past_its_retention_may_be_gone(
    stores: Stores, people: People, new_post: NewPost
) -> None:
    """Adding it is no error, and nothing else is lost by it."""
    old, new = new_post(60), new_post(1)
    await stores.mentions.add([Mention(people.alice, each) for each in (old, new)])
    await stores.mentions.add_answers([Answer(people.alice, each, new) for each in (old, new)])
    assert new in await stores.mentions.page(people.alice, Span(), 100)
    assert (await stores.mentions.newest_answers(people.alice, [new])) == {new: new}
