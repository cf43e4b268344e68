"""F(log, now): what is shown to whom, as plainly as it can be said.

How we read what the rules leave open. (4, R) is a reading of rule 4 for reposts, and so on.

Posts and conversations
* A post without a parent is its own root. While the parent is unknown, a claim is the root even if
  nothing is known of what it names; above the parent stands that root, if it is known.
* What names an original is a repost, also when it names a parent: in no thread but above replies
  to it. What became of reposts between it and its original does not matter.
* Upwards, every post keeps its place. Downwards, what V may not see stands as `missing` (of nobody)
  where a deleted one would stand as `deleted`. What stands above is not below as well: no cycles.

People
* Nobody blocks or mutes himself. V's own posts are hidden from V by his account's suspension only.
* A block or mute of A hides what others wrote that mentions A; of a repost, both it and its
  original are judged, V's own reposts too.
* What expires at a moment is over at that moment; what it replaced does not come back.
* A list that is deleted admits nobody (23); a gate speaks of the root's author's own lists.

Home
* A window's place is that of the reason with the lowest id, also a repost dated before its
  original. All visible reposters of the window are named, on the original's own place too.
* Words (7) are judged of what is shown, by V's edge to who brings it; V's own text is exempt, the
  texts V reposts are not. A link is one in `links`. Signs beside words are no part of a search.
* An exclusive list also takes what a followed tag brings, never V himself.
* Where several reasons bring a post, it is V's own, else a follow edge's, else a tag's.

Quotes
* The mutes that judge a post where it stands judge what it quotes there: none on pages that are
  asked for, people's in tag timelines, search and quotes. What is muted stands as `muted`; the
  quote itself stays. A block between the two authors is no matter of V's.
* What is quoted may be a repost: its author and the original's may take it out. A repost itself
  quotes nothing.
* `quotes` is 404 where V may not read the post; it has quotes of every visibility that V may read.
* The link of a quote of a quote is an id, whoever may see that post.

Talking to each other
* (25) The climb ends at the first unknown ancestor, whatever root is claimed, and at one that a
  mute or a block hides. A repost speaks to nobody, nor is it an answer.
* (25) Where a thread is muted everywhere, V's own replies stay; reposts of the others leave, too.
* (26) An answer against the gate of the root does not live. A mark sets a post aside whatever its
  `up_to` says.
* (30) A reply counts where V may see both it and what it answers. Words and threads that V mutes
  say nothing of people. The replies of those whom V talks with lead to others, not replies to them:
  who answers a partner of V's unasked is not suggested for it.

Elsewhere
* Posts and threads asked for by id ignore mutes, as authors' pages do. Where a block hides what is
  asked for, it does not exist. Keywords have their three contexts, and lists.
* Windows, retention, V's settings and (4) V's own posts hold in lists, follow edges' options do
  not. Tag timelines and search know no reposts, and no reply against a gate.
* No thread is asked for at or below a reply against the gate.
* A block between others is judged pair by pair, whatever else is hidden in the line.
* Replies are passed in their order until 100 more than are given have been counted; those hidden up
  to there are counted.
* Explain (31): unknown, unseen, and hidden by others' blocks also of the original alone; a block of
  V's own, or a mute, is one that V may know of. What is shown: by 1 (own), 2, 3 (a reply), 4, 17.
"""

from collections.abc import Sequence

from tests.model.acquaintances import Acquaintances
from tests.model.listings import Listings
from tests.model.news import News
from tests.model.said import Json
from tests.model.signal import Signal
from tests.model.threads import Threads

PENDING = frozenset[str]()
"""Rules as far as no reader has them yet; each goes from here when the readers do."""


class Model(Threads, Listings, News, Signal, Acquaintances):
    """F(log, now): `now_ms` serves retention and expiry only; a retention of 0 is for ever."""

    def __init__(
        self,
        log: Sequence[Json],
        now_ms: int = 0,
        retention_ms: int = 0,
        pending: frozenset[str] = PENDING,
    ) -> None:
        super().__init__(log, now_ms, retention_ms)
        self.pending = pending
