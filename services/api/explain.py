"""The endpoint that explains why a post is in a home timeline or not."""

from http import HTTPStatus

from litestar import Response
from msgspec.structs import replace

from schemas.ids import PostId, UserId
from services.api import examples
from services.api.auth.access import Access
from services.api.explanation_answers import Explanation, explanation
from services.api.operation import AnyRequest, Endpoint, Operation
from services.api.problems import NotFound
from services.api.queries import ExplainQuery
from services.api.signal_answers import because
from services.readers.home import Home
from services.readers.signal import Signal

EXPLAIN = Operation(
    id="explain",
    path="/v1/users/{user_id}/explain/{post_id}",
    summary="Explain why a post is or is not in a home timeline",
    query=ExplainQuery,
    access=Access.OWNER,
    response=Explanation,
    example=examples.EXPLANATION,
    problems=(HTTPStatus.NOT_FOUND,),
)


def endpoints(home: Home) -> list[Endpoint]:
    signal = Signal(home)

    async def explain(_: AnyRequest, query: ExplainQuery, viewer: UserId) -> Response[Explanation]:
        found = await home.explain(viewer, PostId(int(query.post_id)))
        if found is None:
            raise NotFound("no such post for this viewer")
        answer = explanation(found)
        if query.view == "signal":
            moved = await signal.explain(viewer, PostId(int(query.post_id)))
            reasons = [] if moved is None else [because(each) for each in moved.because]
            answer = replace(answer, because=reasons)
        return Response(answer)

    return [Endpoint(EXPLAIN, explain)]
