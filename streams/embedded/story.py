"""A day in a village, as messages: what the demo publishes, and what must be visible afterwards.

alice follows bob, carol and dave, and for a while erin, the crier. She does not know frank and
grace. Everything is dated back from now, so that it reads like today's talk.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from schemas.codec import Message, encode
from schemas.events import (
    FollowCreated,
    FollowDeleted,
    PostCreated,
    PostEdited,
    ReplyCreated,
    ReplyDeleted,
)
from schemas.ids import DEFAULT_EPOCH, PostId, post_id
from streams.outbox import Outgoing

ALICE, BOB, CAROL, DAVE, ERIN, FRANK, GRACE = range(1, 8)
NAMES: Final[Mapping[int, str]] = {
    ALICE: "alice",
    BOB: "bob",
    CAROL: "carol",
    DAVE: "dave",
    ERIN: "erin",
    FRANK: "frank",
    GRACE: "grace",
}
FOLLOWS: Final = (
    (ALICE, BOB),
    (ALICE, CAROL),
    (ALICE, DAVE),
    (ALICE, ERIN),
    (BOB, ALICE),
    (BOB, CAROL),
    (CAROL, BOB),
    (CAROL, GRACE),
    (DAVE, ALICE),
    (FRANK, ERIN),
)
YESTERDAY: Final = 24 * 60
MARKET, CRY_1, CRY_2, LIBRARY, PASSED_ON, CRY_3 = 130, 110, 100, 90, 80, 70
FERRY, LAMP, BELL, ROPE, ROW, ASLEEP, KIND, OVEN, LOAF = 50, 46, 44, 41, 38, 36, 33, 20, 12
"""The posts of the story, by how many minutes ago they were written."""
POISON: Final = b'{"type": "post.created", "version": 1, "author_id": 6, "text": "It is me!"}'


class Scene(NamedTuple):
    """Messages that must be visible before the next scene begins."""

    title: str
    messages: tuple[Outgoing, ...]
    sees: int
    """Posts in the reader's home afterwards."""


class ExpectedPlace(NamedTuple):
    """Place of a post in a thread, and its placeholder if it is not shown."""

    post_id: PostId
    depth: int
    placeholder: str | None = None


class Story(NamedTuple):
    """Scenes to publish, and what must be visible: a home, a thread and a dead letter."""

    scenes: tuple[Scene, ...]
    begins: int
    """When its first post is written, in milliseconds."""
    reader: int
    home: tuple[PostId, ...]
    root: PostId
    thread: frozenset[ExpectedPlace]
    hidden: PostId
    """A post by a followee of the reader, which a rule keeps out of their home."""
    poison: Outgoing


def story(now_ms: int, epoch: int = DEFAULT_EPOCH) -> Story:
    """Return the village's day until `now_ms`, with ids that count from `epoch`."""
    village = _Village(now_ms, epoch)
    poison = Outgoing("posts", str(FRANK).encode(), POISON)
    return Story(
        scenes=(*_scenes(village), Scene("frank forgets the id: a poison message", (poison,), 9)),
        begins=now_ms - MARKET * 60_000,
        reader=ALICE,
        home=tuple(
            village.post(each)
            for each in (LOAF, OVEN, ROW, ROPE, BELL, LAMP, FERRY, PASSED_ON, MARKET)
        ),
        root=village.post(FERRY),
        thread=frozenset(_thread(village)),
        hidden=village.post(KIND),
        poison=poison,
    )


class _Village:
    """Makes messages dated a number of minutes before now."""

    def __init__(self, now_ms: int, epoch: int) -> None:
        self._now = now_ms
        self._epoch = epoch

    def post(self, minutes: int) -> PostId:
        return post_id(self._at(minutes), 0, self._epoch)

    def version(self, minutes: int) -> int:
        return self._at(minutes) * 1_000

    def says(self, minutes: int, author: int, text: str) -> PostCreated:
        return PostCreated(
            version=self.version(minutes),
            post_id=self.post(minutes),
            author_id=author,
            text=text,
        )

    def answers(
        self, minutes: int, author: int, to: int, text: str, root: int = FERRY
    ) -> ReplyCreated:
        return ReplyCreated(
            version=self.version(minutes),
            post_id=self.post(minutes),
            author_id=author,
            text=text,
            parent_id=self.post(to),
            root_id=self.post(root),
        )

    def passes_on(self, minutes: int, author: int, original: int) -> PostCreated:
        return PostCreated(
            version=self.version(minutes),
            post_id=self.post(minutes),
            author_id=author,
            repost_of=self.post(original),
        )

    def _at(self, minutes: int) -> int:
        return self._now - minutes * 60_000


def _scenes(village: _Village) -> Iterable[Scene]:
    follows = [
        FollowCreated(version=village.version(YESTERDAY), follower_id=one, followee_id=other)
        for one, other in FOLLOWS
    ]
    yield _scene("the village gets to know itself", 0, *follows)
    yield _scene("erin cries, dave sells, carol passes grace on", 5, *_morning(village))
    yield _scene("six answers arrive before what they answer", 8, *_answers(village))
    question = "The ferry is late again. Has anybody heard from the lighthouse?"
    yield _scene("now bob's question itself", 10, village.says(FERRY, BOB, question))
    unfollow = FollowDeleted(version=village.version(30), follower_id=ALICE, followee_id=ERIN)
    yield _scene("alice has had enough of erin: an unfollow", 7, unfollow)
    yield _scene("frank takes his words back, and dave corrects his", 7, *_changes(village))
    oven = village.says(OVEN, ALICE, "Bread is out of the oven.")
    yield _scene("alice has something to say herself", 8, oven)
    loaf = village.answers(LOAF, BOB, OVEN, "Would you keep a loaf for me?", root=OVEN)
    yield _scene("bob asks her for some", 9, loaf)


def _morning(village: _Village) -> Iterable[Message]:
    yield village.says(MARKET, DAVE, "Market is on Friday.")
    yield village.says(CRY_1, ERIN, "HEAR YE! Hats, half price!")
    yield village.says(CRY_2, ERIN, "HEAR YE! Hats, still half price!")
    yield village.says(LIBRARY, GRACE, "The library has a room for letters now.")
    yield village.passes_on(PASSED_ON, CAROL, LIBRARY)
    yield village.says(CRY_3, ERIN, "HEAR YE! The last of the hats!")


def _answers(village: _Village) -> Iterable[Message]:
    yield village.answers(ROPE, BOB, BELL, "That was me. The rope slipped.")
    yield village.answers(BELL, DAVE, LAMP, "Then who rang the bell?")
    yield village.answers(LAMP, CAROL, FERRY, "Its lamp was lit at midnight. The keeper is well.")
    yield village.answers(ROW, ALICE, FERRY, "I can row over with bread at noon.")
    yield village.answers(KIND, CAROL, ASLEEP, "He was up all night, frank. Be kind.")
    yield village.answers(ASLEEP, FRANK, FERRY, "The keeper fell asleep, I bet.")


def _changes(village: _Village) -> Iterable[Message]:
    yield ReplyDeleted(
        version=village.version(28),
        post_id=village.post(ASLEEP),
        author_id=FRANK,
        parent_id=village.post(FERRY),
        root_id=village.post(FERRY),
    )
    yield PostEdited(
        version=village.version(25),
        post_id=village.post(MARKET),
        author_id=DAVE,
        text="Market is on Saturday, not Friday.",
    )


def _thread(village: _Village) -> Iterable[ExpectedPlace]:
    yield ExpectedPlace(village.post(FERRY), 0)
    yield ExpectedPlace(village.post(ROW), 1)
    yield ExpectedPlace(village.post(LAMP), 1)
    yield ExpectedPlace(village.post(BELL), 2)
    yield ExpectedPlace(village.post(ROPE), 3)
    yield ExpectedPlace(village.post(ASLEEP), 1, "deleted")
    yield ExpectedPlace(village.post(KIND), 2)


def _scene(title: str, sees: int, *messages: Message) -> Scene:
    return Scene(title, tuple(Outgoing(*encode(message)) for message in messages), sees)
