"""Conversants (rule 30): whom a viewer talks with, and who may be worth meeting.

Pure functions of who answered whom and when. A reply counts half after `HALF_LIFE_MS`.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from schemas.ids import DAY_MS, IdArray
from services.ranking.score import DECIMALS
from services.ranking.window import Floats, Times

HALF_LIFE_MS = 30 * DAY_MS
REACH_MS = 8 * HALF_LIFE_MS
"""Older replies count less than a 256th each, and need not be read."""
MEETING_TERMS = ("activity", "you_answered", "answered_you", "people_in_common")


class RepliesBetween(NamedTuple):
    """Replies of people to each other, a row each; nobody answers themselves."""

    at: Times
    author: IdArray
    whom: IdArray


class Acquaintance(NamedTuple):
    """Decayed replies between the viewer and others, a row for each of `people`."""

    people: IdArray
    you_answered: Floats
    answered_you: Floats
    in_common: Floats
    """Replies between them and those who talk with the viewer, times how much these do."""


def decay(at: Times, moment: int) -> Floats:
    """Return how much each time counts at a moment; what comes after it counts whole."""
    weights: Floats = np.exp2(-np.maximum(moment - at, 0) / HALF_LIFE_MS)
    return weights


def find_acquaintance(replies: RepliesBetween, viewer: int, moment: int) -> Acquaintance:
    """Return what replies connect the viewer with, in order of the people's ids."""
    people, place = np.unique(
        np.concatenate([replies.author, replies.whom, [viewer]]), return_inverse=True
    )
    author, whom = place[: len(replies.at)], place[len(replies.at) : -1]
    weight, own = decay(replies.at, moment), place[-1]
    size = len(people)
    you = np.bincount(whom, np.where(author == own, weight, 0), size)
    them = np.bincount(author, np.where(whom == own, weight, 0), size)
    mutual = np.minimum(you, them)
    common = np.bincount(author, weight * mutual[whom], size)
    common += np.bincount(whom, weight * mutual[author], size)
    others = np.arange(size) != own
    return Acquaintance(people[others], you[others], them[others], common[others])


def talking_with(known: Acquaintance) -> tuple[IdArray, Floats]:
    """Return whom the viewer talks with and how much, most first, of equal ones the lower id.

    Talking takes two: the lesser of both directions counts.
    """
    mutual = np.minimum(known.you_answered, known.answered_you)
    in_order = np.lexsort((known.people, -mutual))
    in_order = in_order[mutual[in_order] > 0]
    return known.people[in_order], mutual[in_order]


def meeting_features(known: Acquaintance, people: IdArray, activity: Floats) -> Floats:
    """Return a row of `MEETING_TERMS` for each of these people.

    `activity` are their posts of late, decayed alike.
    """
    at = np.searchsorted(known.people, people)
    is_known = np.append(known.people, -1)[at] == people
    between = [np.where(is_known, np.append(values, 0)[at], 0) for values in known[1:]]
    features: Floats = np.log1p(np.stack([activity, *between], axis=1))
    return features


def meeting_scores(features: Floats, weights: Mapping[str, float]) -> Floats:
    """Return log odds, up to a constant, that the viewer and each person begin to talk."""
    scores: Floats = features @ np.array([weights[term] for term in MEETING_TERMS])
    return scores.round(DECIMALS)
