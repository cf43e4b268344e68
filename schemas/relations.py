"""Facts about users' relations to each other, their settings and their accounts."""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from schemas.events import Fact, Id
from schemas.ids import MAX_ID

MAX_PHRASE = 200  # code points
MAX_TAG = 200  # code points

Expiry: TypeAlias = Annotated[
    int, Meta(ge=0, le=MAX_ID, description="microseconds since the Unix epoch; null is never")
]
Scope: TypeAlias = Literal["all", "reposts"]
Context: TypeAlias = Literal["home", "mentions", "threads"]
MuteAction: TypeAlias = Literal["hide", "warn"]
ListReplies: TypeAlias = Literal["none", "list", "followed"]
Phrase: TypeAlias = Annotated[str, Meta(max_length=MAX_PHRASE, pattern=r"\S")]
Tag: TypeAlias = Annotated[str, Meta(max_length=MAX_TAG, pattern=r"[^#\s]")]
MarkTarget: TypeAlias = Annotated[
    str, Meta(pattern=r"^(home|(conversation|unanswered):[1-9][0-9]{0,18})\Z")
]


class _Relation(Fact, frozen=True, kw_only=True):
    owner_id: Id


class _Block(_Relation, frozen=True, kw_only=True):
    target_id: Id


class BlockCreated(_Block, frozen=True, kw_only=True, tag="block.created"):
    """The owner and the target see nothing of each other, and all edges between them end."""


class BlockDeleted(_Block, frozen=True, kw_only=True, tag="block.deleted"):
    """The end of a block; the edges that it ended stay ended."""


class MuteCreated(_Relation, frozen=True, kw_only=True, tag="mute.created"):
    """The owner sees nothing of the target, or nothing that the target reposts."""

    target_id: Id
    scope: Scope | None = None
    expires_at: Expiry | None = None


class MuteDeleted(_Relation, frozen=True, kw_only=True, tag="mute.deleted"):
    """The end of a mute."""

    target_id: Id


class KeywordMuteCreated(_Relation, frozen=True, kw_only=True, tag="keyword_mute.created"):
    """The owner sees no text with this phrase, or a warning. No contexts mean all."""

    keyword_id: Id
    phrase: Phrase
    whole_word: bool | None = None
    contexts: tuple[Context, ...] | None = None
    action: MuteAction | None = None
    expires_at: Expiry | None = None


class KeywordMuteDeleted(_Relation, frozen=True, kw_only=True, tag="keyword_mute.deleted"):
    """The end of a keyword mute."""

    keyword_id: Id


class ListCreated(_Relation, frozen=True, kw_only=True, tag="list.created"):
    """A list with all its options, new or changed. Its id belongs to its first owner."""

    list_id: Id
    replies: ListReplies | None = None
    reposts: bool | None = None
    exclusive: bool | None = None


class ListDeleted(_Relation, frozen=True, kw_only=True, tag="list.deleted"):
    """The end of a list; created again, it has the members and the owner that it had."""

    list_id: Id


class _Membership(_Relation, frozen=True, kw_only=True):
    list_id: Id
    member_id: Id


class ListMemberAdded(_Membership, frozen=True, kw_only=True, tag="list_member.added"):
    """A member of a list, if the list is the owner's; it may arrive before the list."""


class ListMemberRemoved(_Membership, frozen=True, kw_only=True, tag="list_member.removed"):
    """The end of a membership."""


class _TagFollow(_Relation, frozen=True, kw_only=True):
    tag: Tag


class TagFollowCreated(_TagFollow, frozen=True, kw_only=True, tag="tag_follow.created"):
    """Public posts with this tag come into the owner's home."""


class TagFollowDeleted(_TagFollow, frozen=True, kw_only=True, tag="tag_follow.deleted"):
    """The end of a tag follow."""


class _ThreadMute(_Relation, frozen=True, kw_only=True):
    root_id: Id


class ThreadMuteCreated(_ThreadMute, frozen=True, kw_only=True, tag="thread_mute.created"):
    """The conversation notifies its owner of nothing more, and may leave their home as well."""

    everywhere: bool | None = None


class ThreadMuteDeleted(_ThreadMute, frozen=True, kw_only=True, tag="thread_mute.deleted"):
    """The end of a thread mute."""


class ReadMarked(_Relation, frozen=True, kw_only=True, tag="read.marked"):
    """The owner has read up to a post, or has set an unanswered post aside."""

    what: MarkTarget
    up_to: Id


class SettingsChanged(_Relation, frozen=True, kw_only=True, tag="settings.changed"):
    """All settings of a user. Null and absence mean the default."""

    bare_links: bool | None = None


class AccountSuspended(_Relation, frozen=True, kw_only=True, tag="account.suspended"):
    """Nobody sees what the owner wrote or reposted."""


class AccountReinstated(_Relation, frozen=True, kw_only=True, tag="account.reinstated"):
    """The end of a suspension."""


class AccountErased(_Relation, frozen=True, kw_only=True, tag="account.erased"):
    """The end of an account, whatever its version."""


BlockFact: TypeAlias = BlockCreated | BlockDeleted
MuteFact: TypeAlias = MuteCreated | MuteDeleted
KeywordMuteFact: TypeAlias = KeywordMuteCreated | KeywordMuteDeleted
ListFact: TypeAlias = ListCreated | ListDeleted
MembershipFact: TypeAlias = ListMemberAdded | ListMemberRemoved
TagFollowFact: TypeAlias = TagFollowCreated | TagFollowDeleted
ThreadMuteFact: TypeAlias = ThreadMuteCreated | ThreadMuteDeleted
AccountFact: TypeAlias = AccountSuspended | AccountReinstated | AccountErased
RelationFact: TypeAlias = (
    BlockFact
    | MuteFact
    | KeywordMuteFact
    | ListFact
    | MembershipFact
    | TagFollowFact
    | ThreadMuteFact
    | ReadMarked
    | SettingsChanged
    | AccountFact
)
