"""Rule 7: keyword mutes, languages, bare links."""

from typing import Any

from schemas.relations import KeywordMuteDeleted, SettingsChanged
from tests.cases.told import (
    ALICE,
    BOB,
    CAROL,
    FIRST,
    NOW,
    SAID,
    SECOND,
    THIRD,
    Case,
    Entry,
    Explained,
    Home,
    Listed,
    Page,
    Post,
    Tagged,
    Thread,
    edit,
    follow,
    keyword,
    listed,
    post,
    reply,
    repost,
)
from tests.cases.told import FRIENDS as LIST

FOLLOWS = follow(BOB, ALICE)
CATS = post(FIRST, ALICE, "My cats, again")
CAT = post(FIRST, ALICE, "The CAT!")
REPOSTED = (post(FIRST, CAROL, "a cat"), repost(SECOND, ALICE, FIRST, text="a dog"), FOLLOWS)
LINK = "https://mingle.example/"
LONG = LINK + "cats"


def words(claim: str, text: str, shown: bool, **options: Any) -> Case:
    """Whether bob, who mutes `cat`, sees what alice, whom he follows, wrote."""
    told = (post(FIRST, ALICE, text), FOLLOWS, keyword(BOB, **{"phrase": "cat"} | options))
    return Case(7, claim, told, Home(BOB), [FIRST] if shown else [])


def bare(claim: str, text: str, hidden: bool, *links: str, **edge: Any) -> Case:
    """Whether bob, who wants no bare links, sees what alice wrote."""
    told = (post(FIRST, ALICE, text, links=links), follow(BOB, ALICE, **edge), NO_BARE)
    return Case(7, claim, told, Explained(BOB, FIRST), (False, 7) if hidden else (True, 2))


def spoken(claim: str, lang: str | None, shown: bool) -> Case:
    """Whether bob, who wants english of alice, sees what she wrote."""
    told = (post(FIRST, ALICE, "a", lang=lang), follow(BOB, ALICE, languages=("en", "fr", "pt-BR")))
    return Case(7, claim, told, Explained(BOB, FIRST), (True, 2) if shown else (False, 7))


NO_BARE = SettingsChanged(version=SAID, owner_id=BOB, bare_links=False)
BARE_AGAIN = SettingsChanged(version=SAID + 1, owner_id=BOB)
THREAD = (
    post(FIRST, CAROL, "a dog"),
    reply(SECOND, ALICE, FIRST, "a cat"),
    reply(THIRD, CAROL, SECOND),
)

KEYWORDS = [
    words("the phrase as a whole word, by default", "a cat", False),
    words("which a part is not", "My cats, again", True),
    words("wherever the part is", "bobcat", True),
    words("case is ignored", "The CAT!", False),
    words("punctuation ends a word", "(cat)", False),
    words("a letter of any script does not", "caté", True),
    words("a part, where V says so", "concatenate", False, whole_word=False),
    words("a phrase of several words", "Big cat, asleep", False, phrase="big cat"),
    words("in home", "a cat", False, contexts=("home", "mentions")),
    words("not in home", "a cat", True, contexts=("mentions", "threads")),
    words("no contexts are all", "a cat", False, contexts=()),
    words("it may expire", "a cat", True, expires_at=NOW * 1_000),
    words("and holds until then", "a cat", False, expires_at=NOW * 1_000 + 1),
    Case(7, "hidden by 7", (CAT, FOLLOWS, keyword(BOB, "cat")), Explained(BOB, FIRST), (False, 7)),
    Case(7, "7 is before no edge", (CAT, keyword(BOB, "cat")), Explained(BOB, FIRST), (False, 7)),
    Case(7, "warn shows it with a warning",
         (CAT, FOLLOWS, keyword(BOB, "cat", action="warn")),
         Entry(BOB, FIRST), ([], "follow", ALICE, "cat")),
    Case(7, "hide is stronger than warn",
         (CAT, FOLLOWS, keyword(BOB, "cat", action="warn"), keyword(BOB, "the", 2)), Home(BOB), []),
    Case(7, "one that is taken back hides nothing",
         (CAT, FOLLOWS, keyword(BOB, "cat"),
          KeywordMuteDeleted(version=SAID, owner_id=BOB, keyword_id=1)), Home(BOB), [FIRST]),
    Case(7, "text only: not tags or links",
         (post(FIRST, ALICE, "a", tags=("cat",), links=("cat",)), FOLLOWS, keyword(BOB, "cat")),
         Home(BOB), [FIRST]),
    Case(7, "of a repost it is the original's text",
         (*REPOSTED, keyword(BOB, "cat")), Home(BOB), []),
    Case(7, "not its own", (*REPOSTED, keyword(BOB, "dog")), Home(BOB), [SECOND]),
    Case(7, "never V's own posts",
         (post(FIRST, BOB, "a cat"), keyword(BOB, "cat")), Home(BOB), [FIRST]),
    Case(7, "home covers lists",
         (CAT, *listed(BOB, ALICE), keyword(BOB, "cat", contexts=("home",))),
         Listed(BOB, LIST), []),
    Case(7, "a page has no context", (CAT, keyword(BOB, "cat")), Page(BOB, ALICE), [FIRST]),
    Case(7, "a post that is edited into a hidden one disappears",
         (CATS, FOLLOWS, keyword(BOB, "cat"), edit(FIRST, ALICE, text="a cat")), Home(BOB), []),
    Case(7, "in threads it is hidden with what is below",
         (*THREAD, keyword(BOB, "cat")), Thread(BOB, FIRST), [(FIRST, 0, None, 1)]),
    Case(7, "and muted where it stands above",
         (*THREAD, keyword(BOB, "cat")),
         Thread(BOB, THIRD), [(FIRST, -2, None, 0), (SECOND, -1, "muted", 0), (THIRD, 0, None, 0)]),
    Case(7, "not for home alone",
         (*THREAD, keyword(BOB, "cat", contexts=("home",))),
         Thread(BOB, FIRST), [(FIRST, 0, None, 0), (SECOND, 1, None, 0), (THIRD, 2, None, 0)]),
    Case(7, "a post asked for by its id is shown",
         (CAT, keyword(BOB, "cat")), Post(BOB, FIRST), "The CAT!"),
]  # fmt: skip

UNICODE = [
    words("in another composition", "cafe\u0301", False, phrase="CAF\u00c9"),
    words("in another width", "\uff23\uff21\uff34", False),
    words("with a ligature", "\ufb01ne", False, phrase="fine"),
    words("with something unseen in it", "c\u00ada\u200bt", False),
    words("a mark is part of its word", "x\u0302", True, phrase="x"),
    words("an apostrophe within a word", "can't", True, phrase="can"),
    words("a sign beside a word is none", "cat, dog", False),
    words("signs by themselves", "c++ is", False, phrase="++"),
    words("an emoji", "hi \U0001f408!", False, phrase="\U0001f408"),
    words("another emoji", "hi \U0001f408!", True, phrase="\U0001f415"),
    words("without spaces a word is a part", "\u9ed2\u732b\u3068", False, phrase="\u732b"),
    words("also in kana", "\u30e9\u30fc\u30e1\u30f3\u5c4b", False, phrase="\u30e1\u30f3"),
    words("and in thai", "\u0e41\u0e21\u0e27\u0e14\u0e33", False, phrase="\u0e41\u0e21\u0e27"),
    words("but not where there are spaces", "\ud55c\uad6d\uc5b4", True, phrase="\ud55c\uad6d"),
    words("nothing that can be seen", "cat", True, phrase="\u200b", whole_word=False),
    bare("a sentence without spaces has words", f"\u9ed2\u732b\u3068 {LINK}", False, LINK),
    bare("two of its characters", f"\u9ed2\u732b {LINK}", True, LINK),
    bare("emoji are no words", f"\U0001f408 \U0001f408 \U0001f408 {LINK}", True, LINK),
    Case(17, "a tag in another width",
         (post(FIRST, ALICE, tags=("\uff03\uff2aazz",)),), Tagged(BOB, ("jazz",)), [FIRST]),
]  # fmt: skip

LANGUAGES = [
    spoken("a language of the edge", "en", True),
    spoken("another one", "de", False),
    spoken("no language passes", None, True),
    spoken("nor does an empty one count", "", True),
    spoken("an undetermined one passes", "UND", True),
    spoken("a language has its regions", "en-US", True),
    spoken("and is written in any case", "EN", True),
    spoken("one that only begins alike is another", "enm", False),
    spoken("a region has no others", "pt-PT", False),
    spoken("nor the whole language", "pt", False),
    spoken("but what is more special", "pt-br-abl1943", True),
    Case(7, "languages are per edge",
         (post(FIRST, CAROL, "a", lang="de"), follow(BOB, ALICE, languages=("en",)),
          follow(BOB, CAROL)), Home(BOB), [FIRST]),
]  # fmt: skip

BARE = [
    bare("a link and nothing else", LINK, True, LINK),
    bare("a link and two words", f"look here {LINK}", True, LINK),
    bare("a link and three", f"look here, bob {LINK}", False, LINK),
    bare("a link that begins another", f"look here {LONG} {LINK}", True, LINK, LONG),
    bare("no link", "look", False),
    bare("the edge decides where it says true", LINK, False, LINK, bare_links=True),
    Case(7, "or false",
         (post(FIRST, ALICE, LINK, links=(LINK,)), follow(BOB, ALICE, bare_links=False)),
         Explained(BOB, FIRST), (False, 7)),
    Case(7, "V may want them again",
         (post(FIRST, ALICE, LINK, links=(LINK,)), FOLLOWS, NO_BARE, BARE_AGAIN),
         Home(BOB), [FIRST]),
    Case(7, "of oneself they are shown",
         (post(FIRST, BOB, LINK, links=(LINK,)), NO_BARE), Home(BOB), [FIRST]),
]  # fmt: skip

WORDS = [*KEYWORDS, *UNICODE, *LANGUAGES, *BARE]
