"""The rules and reasons that a verdict can name, in a sentence each. docs/rules.md has them all."""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

VerdictReason: TypeAlias = Literal[
    "own_post",
    "followed",
    "not_followed",
    "past_retention",
    "replies_all",
    "replies_followed",
    "replies_conversation",
    "replies_self_threads",
    "replies_none",
    "replies_list",
    "repost",
    "original_unknown",
    "repost_of_own_post",
    "reposts_off",
    "folded",
    "in_audience",
    "not_in_audience",
    "original_not_in_audience",
    "not_public",
    "blocked",
    "muted",
    "keyword",
    "bare_link",
    "language",
    "deleted",
    "original_deleted",
    "not_the_owner",
    "suspended",
    "exclusive_list",
    "in_list",
    "followed_tag",
    "other_tags",
    "not_wanted",
    "against_gate",
    "list_reposts_off",
    "no_quote",
    "detached",
    "mention",
    "reply",
    "quote",
    "line",
    "not_addressed",
    "thread_muted",
    "answered",
    "set_aside",
    "needs_no_answer",
]
"""Why a post is shown or not, in a word. Clients compare these: none is ever renamed."""


class Rule(NamedTuple):
    """A rule in a sentence, and each reason that a verdict by this rule can give, in one too.

    Two rules may give reasons of one name. A reason holds whether the post is shown or not.
    """

    sentence: str
    reasons: Mapping[VerdictReason, str]


RULES: Final[Mapping[int, Rule]] = {
    1: Rule(
        "Home shows the newest posts first, each once, and the viewer's own among them.",
        {"own_post": "The viewer wrote the post."},
    ),
    2: Rule(
        "Home shows a post while its author is followed and the post is within the retention.",
        {
            "followed": "The viewer follows the author.",
            "not_followed": "The viewer does not follow the author.",
            "past_retention": "The post is past the retention.",
        },
    ),
    3: Rule(
        "Home shows a reply as the reply rule of the follow edge says.",
        {
            "replies_all": "The follow edge takes all replies.",
            "replies_followed": "The follow edge takes replies to the viewer, to the author "
            "and to people whom the viewer follows.",
            "replies_conversation": "The follow edge takes replies below posts of the viewer or "
            "of others whom the viewer follows, and replies below the author's posts alone.",
            "replies_self_threads": "The follow edge takes replies below the author's posts alone.",
            "replies_none": "The follow edge takes no replies.",
        },
    ),
    4: Rule(
        "A repost shows its original, which has one place in each window of 24 hours.",
        {
            "repost": "The post is a repost.",
            "original_unknown": "The original of the repost is unknown.",
            "repost_of_own_post": "The post is a repost of one of the viewer's own posts.",
            "reposts_off": "The follow edge takes no reposts.",
            "folded": "The original has its place in this window already.",
        },
    ),
    5: Rule(
        "A post is shown to the audience of its visibility.",
        {
            "in_audience": "The viewer is in the audience of the post.",
            "not_in_audience": "The viewer is not in the audience of the post.",
            "original_not_in_audience": "The viewer is not in the audience of the original.",
            "not_public": "The post is not public.",
        },
    ),
    6: Rule(
        "A block hides two people from each other, and a mute hides one from its owner.",
        {
            "blocked": "A block stands between the viewer and somebody who wrote or reposted the "
            "post or is mentioned in it.",
            "muted": "The viewer mutes somebody who wrote or reposted the post or is mentioned "
            "in it.",
        },
    ),
    7: Rule(
        "A viewer may hide posts by their words, their language and their bare links.",
        {
            "keyword": "The text has a phrase that the viewer mutes.",
            "bare_link": "The post is a bare link, and the viewer hides those.",
            "language": "The post is in a language that the follow edge does not take.",
        },
    ),
    8: Rule(
        "An edit is shown in the same place, and a deletion is final.",
        {
            "deleted": "The author deleted the post.",
            "original_deleted": "The author of the original deleted it.",
            "not_the_owner": "The id of the post belongs to another author.",
        },
    ),
    10: Rule(
        "Nobody is shown what a suspended or erased account wrote.",
        {
            "suspended": "The account of the author, or of the original's author, is suspended or "
            "erased."
        },
    ),
    16: Rule(
        "A list has a timeline of its own, which only its owner reads.",
        {
            "in_list": "The author is a member of the list.",
            "list_reposts_off": "The list takes no reposts.",
            "exclusive_list": "The author is a member of an exclusive list of the viewer's.",
            "replies_none": "The list takes replies to its owner and of members to themselves.",
            "replies_list": "The list takes replies to its owner and to its members.",
            "replies_followed": "The list takes replies to its owner, of members to themselves "
            "and to people whom its owner follows.",
        },
    ),
    17: Rule(
        "A followed tag brings its public posts into home, and every tag has a timeline.",
        {
            "followed_tag": "The post has a tag that the viewer follows.",
            "other_tags": "The post does not have the tags that were asked for.",
        },
    ),
    18: Rule(
        "Search finds public posts and tells nothing of others.",
        {"not_wanted": "The post is not what was asked for."},
    ),
    23: Rule(
        "The author of a root decides who may reply.",
        {"against_gate": "The root of the conversation does not admit the reply."},
    ),
    25: Rule(
        "Mentions are what speaks to the viewer, and read marks say how far they have read.",
        {
            "mention": "The post mentions the viewer.",
            "reply": "The post answers the viewer.",
            "quote": "The post quotes a post by the viewer.",
            "line": "A post by the viewer is among the nearest four above the post.",
            "own_post": "The viewer wrote the post.",
            "thread_muted": "The post is in a conversation that the viewer muted; in home, lists "
            "and followed tags, a reply in one that they muted everywhere.",
            "not_addressed": "The post does not speak to the viewer.",
        },
    ),
    26: Rule(
        "Unanswered lists what waits for the viewer's answer.",
        {
            "answered": "The viewer has a post below the post.",
            "set_aside": "The viewer set the post aside.",
            "needs_no_answer": "The post neither mentions nor answers the viewer.",
        },
    ),
    32: Rule(
        "A post may quote another.",
        {
            "no_quote": "The post does not quote the one that was asked for.",
            "detached": "The quoted author took their post out of the quote.",
        },
    ),
}
"""The rules by which a verdict can be decided. A wording may change, a number never does."""
