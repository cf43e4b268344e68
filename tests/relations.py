"""What three people say of each other: ids and versions are few, so that messages meet."""

from typing import Any

from hypothesis import strategies as st

from schemas import relations as said
from schemas.events import FollowCreated, FollowDeleted
from schemas.ids import UserId
from services.relations.mutation import RelationshipFact

PEOPLE = [UserId(each) for each in (1, 2, 3)]
LISTS = (7, 8)
POSTS = (21, 22)

people = st.sampled_from(PEOPLE)
lists = st.sampled_from(LISTS)
roots = st.sampled_from(POSTS)
OWNED = {"owner_id": people}


def one(kind: type[Any], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(kind, version=st.integers(0, 3), **fields)


def either(*values: object) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


EDGES = (
    one(
        FollowCreated,
        follower_id=people,
        followee_id=people,
        replies=either(None, "all", "none"),
        reposts=either(None, False),
        bare_links=either(None, True, False),
        languages=either(None, ("en",), ("de", "en", "de")),
    ),
    one(FollowDeleted, follower_id=people, followee_id=people),
    one(said.BlockCreated, **OWNED, target_id=people),
    one(said.BlockDeleted, **OWNED, target_id=people),
)
MUTES = (
    one(
        said.MuteCreated,
        **OWNED,
        target_id=people,
        scope=either(None, "reposts"),
        expires_at=either(None, 5, 10),
    ),
    one(said.MuteDeleted, **OWNED, target_id=people),
    one(
        said.KeywordMuteCreated,
        **OWNED,
        keyword_id=lists,
        phrase=either("a", "b"),
        whole_word=either(None, False),
        contexts=either(None, ("threads", "home")),
        action=either(None, "warn"),
        expires_at=either(None, 5),
    ),
    one(said.KeywordMuteDeleted, **OWNED, keyword_id=lists),
)
LISTED = (
    one(
        said.ListCreated,
        **OWNED,
        list_id=lists,
        replies=either(None, "none", "followed"),
        exclusive=either(None, True),
        reposts=either(None, True, False),
    ),
    one(said.ListDeleted, **OWNED, list_id=lists),
    one(said.ListMemberAdded, **OWNED, list_id=lists, member_id=people),
    one(said.ListMemberRemoved, **OWNED, list_id=lists, member_id=people),
)
SET = (
    one(said.TagFollowCreated, **OWNED, tag=either("#Bread", "bread", "salt")),
    one(said.TagFollowDeleted, **OWNED, tag=either("BREAD", "salt")),
    one(said.SettingsChanged, **OWNED, bare_links=either(None, True, False)),
    one(said.AccountSuspended, **OWNED),
    one(said.AccountReinstated, **OWNED),
    one(said.AccountErased, **OWNED),
)
MARKED = (
    one(said.ThreadMuteCreated, **OWNED, root_id=roots, everywhere=either(None, True, False)),
    one(said.ThreadMuteDeleted, **OWNED, root_id=roots),
    one(
        said.ReadMarked,
        **OWNED,
        what=either("home", "conversation:21", "conversation:22", "unanswered:21"),
        up_to=either(21, 22, 100),
    ),
)
GROUPS = (EDGES, MUTES, LISTED, SET, MARKED, (*EDGES, *MUTES, *LISTED, *SET, *MARKED))


@st.composite
def relation_histories(draw: st.DrawFn) -> list[RelationshipFact]:
    """Of one sort of relations or of all, in no particular order."""
    facts: list[RelationshipFact] = draw(
        st.lists(st.one_of(draw(st.sampled_from(GROUPS))), min_size=1, max_size=20)
    )
    return facts
