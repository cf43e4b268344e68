"""By which lane, and in how many pages, a post is brought to its author's followers."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import KINDS
from schemas.ids import SLOTS, PostId, UserId
from schemas.requests import DeliverBulkPage, DeliverPage
from services.handlers.link_reposts import FanOutPost
from services.handlers.pages import FOLLOWERS_A_PAGE, FanOutPolicy, fan_out_pages

POST = FanOutPost(PostId(100), UserId(1), 7)
MANY = 20_000


def planned(followers: int, bulk_followers: int = MANY) -> list[DeliverPage]:
    return list(fan_out_pages(POST, followers, FanOutPolicy(bulk_followers)))


def lanes(found: Iterable[DeliverPage]) -> set[type[DeliverPage]]:
    return {type(each) for each in found}


def test_whoever_has_many_followers_has_a_lane_where_no_others_wait_behind_him() -> None:
    """A topic of its own; from the threshold on, all of a post's pages go there."""
    assert lanes(planned(MANY - 1)) == {DeliverPage}
    assert lanes(planned(MANY)) == {DeliverBulkPage}
    assert KINDS["page.deliver"].topic != KINDS["bulk_page.deliver"].topic


def test_without_a_threshold_there_is_one_lane() -> None:
    assert lanes(planned(1_000_000, bulk_followers=0)) == {DeliverPage}


def test_who_has_no_followers_needs_no_page() -> None:
    assert planned(0) == []


def test_what_is_dated_before_its_original_is_pushed() -> None:
    """No reader of a window looks for reposts before its original."""
    policy = FanOutPolicy(pull_followers=MANY)
    after, before = POST._replace(original_id=PostId(99)), POST._replace(original_id=PostId(101))
    assert not policy.is_pulled(POST, MANY - 1)
    assert policy.is_pulled(POST, MANY)
    assert policy.is_pulled(after, MANY)
    assert not policy.is_pulled(before, MANY)
    assert not FanOutPolicy(pull_followers=0).is_pulled(POST, MANY)


@given(followers=st.integers(1, 10**7), bulk=st.integers(0, 10**6))
def test_pages_cover_every_follower_once_in_either_lane(followers: int, bulk: int) -> None:
    """From the first slot to the last, none twice; none is much more work than others."""
    found = planned(followers, bulk)
    assert [each.slot_from for each in found[1:]] == [each.slot_to for each in found[:-1]]
    assert (found[0].slot_from, found[-1].slot_to) == (0, SLOTS)
    assert max(each.entries for each in found) <= FOLLOWERS_A_PAGE
    assert {(each.post_id, each.author_id, each.accepted_at) for each in found} == {(100, 1, 7)}
