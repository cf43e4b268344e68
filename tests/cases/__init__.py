"""The rules of docs/rules.md as a table: short histories of alice, bob, carol and dave.

Any implementation can be held to it: tell it `case.log` in any order, ask it `case.ask` at NOW,
compare with `case.answer`. A row has the rule and the claim, below it the history, then the
question and its answer; the formatter would take seven lines for it. Where a claim rests on a
reading of ours, `tests/model` says so.
"""

from collections.abc import Sequence

from tests.cases.around import AROUND
from tests.cases.home import HOME
from tests.cases.inbox import INBOX
from tests.cases.lists import LISTINGS
from tests.cases.news import NEWS
from tests.cases.people import PEOPLE
from tests.cases.quotes import QUOTES
from tests.cases.replies import REPLIES
from tests.cases.reposts import REPOSTS
from tests.cases.signal import SIGNAL
from tests.cases.silence import THREAD_MUTES
from tests.cases.talk import TALK
from tests.cases.threads import THREADS
from tests.cases.told import Case
from tests.cases.words import WORDS

CASES: Sequence[Case] = [
    *HOME,
    *REPLIES,
    *REPOSTS,
    *PEOPLE,
    *WORDS,
    *LISTINGS,
    *THREADS,
    *QUOTES,
    *THREAD_MUTES,
    *TALK,
    *INBOX,
    *NEWS,
    *AROUND,
    *SIGNAL,
]
