"""The weights of all orders, for every viewer alike. Nothing is fitted at run time.

`python -m loadtest.ranking --fit` prints them: conditional logits of who answers what until they
look again, and of who begins to talk with whom in a month, over the first 60 % of the posts of two
public mailing lists, which count alike. docs/decisions/031-signal.md and 032-conversants.md have
the argument, docs/benchmarks.md has what they reach on the rest.
"""

SIGNAL = {
    "hours": -0.515,
    "hours_over_12": -0.894,
    "hours_by_habit": 0.512,
    "begins": 1.195,
    "begins_by_habit": 0.967,
    "answers_you": 3.318,
    "below_your_post": 2.302,
    "your_thread": 0.936,
    "continues_itself": 0.641,
    "answered_already": -0.607,
    "answers_to_author": 0.356,
    "own_posts_since": -1.237,
    "posts_of_author": -0.483,
    "later_in_thread": -0.372,
}

CATCH_UP = {
    "begins": 1.176,
    "begins_by_habit": 1.114,
    "answers_you": 3.326,
    "below_your_post": 2.369,
    "your_thread": 0.787,
    "continues_itself": 0.544,
    "answered_already": -0.624,
    "answers_to_author": 0.282,
    "posts_of_author": -0.448,
    "later_in_thread": -0.88,
}

MEETING = {
    "activity": 1.623,
    "you_answered": 0.62,
    "answered_you": 1.014,
    "people_in_common": 0.003,
}
