"""`/api/v1/incidents/{id}/postmortem`: the blameless account, its words, its lessons and its sign-off."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from bot.domain.events import Actor, Role
from bot.domain.postmortems import PostmortemState
from bot.domain.words import Word
from bot.flow import shapes
from bot.flow.postmortem_shapes import Postmortems, PostmortemView
from bot.flow.views import order_view
from bot.web.answers import answer
from bot.web.bodies import body_of
from bot.web.desk import Operator, refusal
from bot.web.identity import requires
from bot.web.openapi import ORDER_ERRORS, ok, takes
from bot.web.order_bodies import Body, NoBody, ReasonBody
from bot.web.orders import Order, Orders
from bot.web.postmortem_bodies import CommentBody, LessonBody, SectionBody, SignOffBody
from bot.web.postmortem_queries import PostmortemQueries
from bot.web.queries import Page

postmortems = APIRouter(prefix="/api/v1", responses=ORDER_ERRORS)

Viewer = Annotated[Actor, Depends(requires(Role.VIEWER))]
_ONE = "/incidents/{incident_id}/postmortem"


class PostmortemAnswer(PostmortemView):
    """The account after an order."""

    order: shapes.OrderView


class Desk:
    """Gives an order, and answers with the account as it is then."""

    def __init__(self, request: Request) -> None:
        self._orders: Orders = request.app.state.orders
        self.queries: PostmortemQueries = request.app.state.postmortems

    def give(self, word: Word, incident: str, actor: Actor, reason: str = "", **details: Any) -> Response:
        """The account, with the receipt under `order`."""
        receipt = self._orders.give(Order(word, incident, reason, details=details), actor, "api")
        if receipt.refused:
            return refusal(receipt)
        return answer({**self.queries.one(incident), "order": order_view(receipt)})


At = Annotated[Desk, Depends(Desk)]


def _about(body: type[Body]) -> dict[str, Any]:
    return {"tags": ["postmortems"], "responses": ok(PostmortemAnswer), "openapi_extra": takes(body)}


def _file(media: str, description: str) -> dict[str, Any]:
    content = {media: {"schema": {"type": "string"}}}
    answers = {200: {"description": description, "content": content}}
    return {"tags": ["postmortems"], "responses": answers, "response_class": Response}


def _download(text: str, name: str, media: str) -> Response:
    named = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text.encode("utf-8", "replace"), headers=named, media_type=f"{media}; charset=utf-8")


@postmortems.get("/postmortems", tags=["postmortems"], responses=ok(Postmortems))
def show_postmortems(
    _: Viewer,
    desk: At,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
    service: Annotated[str | None, Query(max_length=64)] = None,
    state: Annotated[PostmortemState | None, Query()] = None,
) -> Response:
    """Postmortems that are due, being written, or reviewed; the newest incident first."""
    return answer(desk.queries.some(Page(limit, cursor), service, state))


@postmortems.get(_ONE, tags=["postmortems"], responses=ok(PostmortemView))
def show_postmortem(_: Viewer, desk: At, incident_id: str) -> Response:
    """The account of an incident, also where nobody has begun one: then `state` is empty and all is from the record."""
    return answer(desk.queries.one(incident_id))


@postmortems.get(f"{_ONE}.md", **_file("text/markdown", "Markdown."))
def show_markdown(_: Viewer, desk: At, incident_id: str) -> Response:
    """The account as a Markdown file."""
    return _download(desk.queries.markdown(incident_id), f"postmortem-{incident_id}.md", "text/markdown")


@postmortems.get(f"{_ONE}.html", **_file("text/html", "HTML that loads nothing and runs nothing."))
def show_html(_: Viewer, desk: At, incident_id: str) -> Response:
    """The account as an HTML file."""
    return _download(desk.queries.html(incident_id), f"postmortem-{incident_id}.html", "text/html")


@postmortems.get(f"{_ONE}/lessons/{{lesson_id}}.patch", **_file("text/x-diff", "A unified diff."))
def show_patch(_: Viewer, desk: At, incident_id: str, lesson_id: str) -> Response:
    """The change that a lesson proposes, exactly as it was given: for `git apply` in the configuration folder."""
    return _download(desk.queries.patch(incident_id, lesson_id), f"{lesson_id}.patch", "text/x-diff")


@postmortems.post(f"{_ONE}/sections", **_about(SectionBody))
def edit(
    who: Operator, desk: At, incident_id: str, body: Annotated[SectionBody, Depends(body_of(SectionBody))]
) -> Response:
    """Write into a section. Words that could be put better are taken all the same; `order.message` says which."""
    return desk.give(Word.POSTMORTEM_EDIT, incident_id, who, **body.given())


@postmortems.post(f"{_ONE}/comments", **_about(CommentBody))
def comment(
    who: Viewer, desk: At, incident_id: str, body: Annotated[CommentBody, Depends(body_of(CommentBody))]
) -> Response:
    """Say something about it. Everybody who may read it may."""
    return desk.give(Word.POSTMORTEM_COMMENT, incident_id, who, **body.given())


@postmortems.post(f"{_ONE}/lessons", **_about(LessonBody))
def learn(
    who: Operator, desk: At, incident_id: str, body: Annotated[LessonBody, Depends(body_of(LessonBody))]
) -> Response:
    """Say what was learned. A diff is applied to what is in force and checked; the lesson is kept either way, with the
    verdict and the faults."""
    return desk.give(Word.POSTMORTEM_LESSON, incident_id, who, **body.given())


@postmortems.post(f"{_ONE}/lessons/{{lesson_id}}/withdraw", **_about(NoBody))
def withdraw(
    who: Operator, desk: At, incident_id: str, lesson_id: str, _: Annotated[NoBody, Depends(body_of(NoBody))]
) -> Response:
    """Take a lesson back; it stays in the record."""
    return desk.give(Word.POSTMORTEM_LESSON, incident_id, who, withdraw=lesson_id)


@postmortems.post(f"{_ONE}/sign-off", **_about(SignOffBody))
def sign_off(
    who: Operator, desk: At, incident_id: str, body: Annotated[SignOffBody, Depends(body_of(SignOffBody))]
) -> Response:
    """Sign for a role of the policy: not by whoever alone has written it."""
    return desk.give(Word.POSTMORTEM_SIGN_OFF, incident_id, who, **body.given())


@postmortems.post(f"{_ONE}/reopen", **_about(ReasonBody))
def reopen(
    who: Operator, desk: At, incident_id: str, body: Annotated[ReasonBody, Depends(body_of(ReasonBody))]
) -> Response:
    """Go on writing into what was reviewed; it has to be signed off anew."""
    return desk.give(Word.POSTMORTEM_REOPEN, incident_id, who, body.reason)
