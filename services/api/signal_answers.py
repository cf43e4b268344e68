"""The JSON of signal: items with what moved them, in words."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from msgspec import Meta
from msgspec.structs import asdict

from services.api.answers import Item, Listing, item, schema_ref
from services.api.explanation_answers import Because
from services.ranking.score import MAX_REASONS, ScoreReason
from services.readers.signal import SignalItem as Shown

WORDS: Final = {
    "age": ("it is recent for what you answer", "it is old for what you answer"),
    "begins_thread": ("it begins a conversation", "it does not begin a conversation"),
    "answers_you": ("it answers you", "it does not answer you"),
    "below_your_post": ("it stands below a post of yours", "it stands below no post of yours"),
    "your_thread": ("you wrote in the conversation", "you did not write in the conversation"),
    "continues_itself": ("its author goes on", "its author does not go on with a post of theirs"),
    "answered_already": ("nobody has answered it", "somebody has answered it"),
    "you_answer_author": ("you often answer its author", "you seldom answer its author"),
    "passed_over": ("you wrote little since", "you wrote since, and not there"),
    "writes_much": ("its author writes little", "its author writes much"),
    "thread_went_on": ("the conversation has not gone on", "the conversation went on"),
}
"""What raises a post by each feature, and what lowers it, compared to the posts beside it."""


class SignalItem(Item, frozen=True):
    """A post in signal, with its score and what moved it.

    `folded` more posts of the same author stand further behind, which this one stands for. What is
    older than 72 hours, or than the newest 500, follows newest first: its score is null.
    """

    score: float | None
    because: Annotated[list[Because], Meta(max_length=MAX_REASONS)]
    folded: Annotated[int, Meta(ge=0)]


class HomeListing(Listing, frozen=True):
    """A page of a home: newest first, or with `view=signal` as its owner may want to answer.

    With `hydrate=false`, `post_ids` has the ids. Pages of signal have no `prev`.
    """

    items: Annotated[
        Sequence[Any],  # type: ignore[assignment]  # a union that the document spells out
        Meta(
            extra_json_schema={
                "items": {
                    "anyOf": [schema_ref("Item"), schema_ref("SignalItem"), {"type": "string"}]
                }
            }
        ),
    ]


def because(reason: ScoreReason) -> Because:
    """Return what moved a score, in words."""
    raises, lowers = WORDS[reason.feature]
    return Because(reason.feature, reason.share, raises if reason.share > 0 else lowers)


def signal_item(shown: Shown) -> SignalItem:
    """Return the item of signal to answer with."""
    return SignalItem(
        **asdict(item(shown.item)),
        score=shown.score,
        because=[because(each) for each in shown.because],
        folded=shown.folded,
    )
