"""The conversation that threads are measured on."""

from itertools import islice

from loadtest.threads import DIRECT, LargeConversation
from schemas.ids import PostId

NOW = 1_760_000_000_000
REPLIES = 2_000


def test_the_same_seed_makes_the_same_conversation() -> None:
    """Another one makes another."""
    one, same, other = (
        list(islice(LargeConversation(REPLIES, seed, NOW).replies(), REPLIES)) for seed in (1, 1, 2)
    )
    assert one == same
    assert one != other


def test_each_reply_has_the_line_that_workers_would_write() -> None:
    """Up to the root, nearest first; most answer the root itself, in the order of their ids."""
    conversation = LargeConversation(REPLIES, 1, NOW)
    lines: dict[int, tuple[PostId, ...]] = {conversation.root: ()}
    direct = 0
    for reply, line in islice(conversation.replies(), REPLIES):
        assert reply.post_id > max(lines)
        assert line == (reply.parent_id, *lines[reply.parent_id])
        assert line[-1] == conversation.root
        lines[reply.post_id] = line
        direct += len(line) == 1
    assert abs(direct / REPLIES - DIRECT) < 0.05
