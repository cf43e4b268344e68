"""All stores, as a composition root hands them to handlers and readers."""

from typing import NamedTuple

from services.activity.store import ActivityStore
from services.audiences.store import AudienceStore
from services.conversations.store import ConversationStore
from services.erasures.store import ErasureStore
from services.graph.store import GraphStore
from services.inboxes.store import InboxStore
from services.mentions.store import MentionStore
from services.posts.store import PostStore
from services.pulled.store import PulledStore
from services.quotes.store import QuoteStore
from services.relations.store import RelationStore
from services.reposts.store import RepostStore
from services.search.store import TermStore
from services.timelines.store import AuthorTimelineStore, HomeTimelineStore


class Stores(NamedTuple):
    """One adapter of each port."""

    posts: PostStore
    graph: GraphStore
    author_timelines: AuthorTimelineStore
    home_timelines: HomeTimelineStore
    conversations: ConversationStore
    relations: RelationStore
    tags: TermStore
    reposts: RepostStore
    words: TermStore
    pulled: PulledStore
    activity: ActivityStore
    quotes: QuoteStore
    erasures: ErasureStore
    mentions: MentionStore
    audiences: AudienceStore
    inboxes: InboxStore
