"""The JSON of why a post is in a home timeline or not."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from services.readers import home
from services.visibility.rules import RULES, VerdictReason


class Because(Struct, frozen=True):
    """A feature that moved a score: its share of all that moved it, negative if it lowered it."""

    feature: str
    share: Annotated[float, Meta(ge=-1, le=1)]
    words: str


class Explanation(Struct, frozen=True):
    """Whether a post is in a home timeline: by which rule, and by what path it is owed now.

    `sentence` says what the rule is about, `detail` what the reason means. They are for people:
    programs compare `rule` and `reason`. With `view=signal`, `because` says what moves the post
    there; it is empty for a post that signal does not order.
    """

    shown: bool
    rule: Annotated[int, Meta(ge=1, description="the number of the rule that decided")]
    sentence: str
    reason: VerdictReason
    detail: str
    path: home.DeliveryPath | None
    stored: bool
    because: list[Because] | UnsetType = UNSET


def explanation(found: home.Explanation) -> Explanation:
    """Why a post is in a home timeline or not, in the API's words."""
    rule = RULES[found.rule]
    return Explanation(
        shown=found.shown,
        rule=found.rule,
        sentence=rule.sentence,
        reason=found.reason,
        detail=rule.reasons[found.reason],
        path=found.path,
        stored=found.stored,
    )
