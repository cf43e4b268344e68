"""What is said when: seeded, at random times of a set rate, and accepted by the codec."""

import numpy as np

from loadtest.traffic import VOCABULARY, Writer, arrival_times, posting_order, random_word
from schemas.codec import decode, encode
from schemas.ids import DEFAULT_EPOCH, post_time

NOW = 1_700_000_000_000


def writer(words: int = 12) -> Writer:
    return Writer(np.random.default_rng(1), words, DEFAULT_EPOCH)


def test_arrivals_keep_their_rate_and_wait_for_nobody() -> None:
    """A seeded Poisson process: the expected number, with random gaps."""
    times = arrival_times(np.random.default_rng(1), 100, 60)
    gaps = np.diff(times)
    assert abs(len(times) - 6_000) < 600
    assert times == sorted(times)
    assert times[-1] < 60
    assert 0.8 < gaps.std() / gaps.mean() < 1.2


def test_messages_pass_the_codec() -> None:
    """Posts, replies and follows, at the time at which they are made."""
    make = writer()
    post = make.post(7, NOW)
    reply = make.reply(8, NOW, [post.post_id])
    for message in (post, reply, make.follow(7, 8, NOW), make.unfollow(7, 8, NOW)):
        topic, key, value = encode(message)
        assert decode(topic, key, value, NOW) == message
    assert post_time(post.post_id) == NOW
    assert reply.parent_id == reply.root_id == post.post_id


def test_ids_and_versions_differ_within_a_millisecond() -> None:
    """A later message about an edge has the higher version."""
    make = writer()
    assert len({make.post(7, NOW).post_id for _ in range(1_000)}) == 1_000
    assert make.follow(7, 8, NOW).version < make.unfollow(7, 8, NOW).version


def test_a_text_has_so_many_words_of_a_vocabulary() -> None:
    """Each number has a word of its own; frequent ones come often."""
    assert len({random_word(each) for each in range(VOCABULARY)}) == VOCABULARY
    words = (writer(2_000).post(7, NOW).text or "").split()
    assert len(words) == 2_000
    assert words.count(random_word(0)) > 100


def test_everybody_posts_in_turn() -> None:
    """As often as needed, and nobody twice before all others."""
    authors = np.array([1, 2, 3])
    order = posting_order(authors, 7, np.random.default_rng(1))
    assert sorted(order[:3]) == sorted(order[3:6]) == [1, 2, 3]
    assert posting_order(authors, 0, np.random.default_rng(1)) == []
