"""`/api/v1`: what people say of an incident, decide, promise and ask, its meeting, and who answers for it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from bot.domain.events import Actor, Role
from bot.domain.words import Word
from bot.flow import people_shapes
from bot.web.answers import answer
from bot.web.bodies import body_of, read_capped
from bot.web.desk import At, Operator
from bot.web.identity import requires
from bot.web.openapi import (
    ORDER_ERRORS,
    READ_ERRORS,
    IncidentAnswer,
    ItemAnswer,
    OrderOnly,
    RecordedAnswer,
    ok,
    problem_answer,
    takes,
)
from bot.web.order_bodies import Body, NoBody
from bot.web.orders import Order
from bot.web.people_bodies import (
    ActionItemBody,
    AmendBody,
    AnswerBody,
    DecisionBody,
    FinishBody,
    HandoverBody,
    MeetingBody,
    QuestionBody,
    ReassignBody,
    ReportBody,
    SnoozeBody,
    TakeBody,
    UpdateBody,
    WithdrawBody,
)
from bot.web.queries import Queries
from handlers.notes import decoded

minutes = APIRouter(prefix="/api/v1", responses=ORDER_ERRORS)

NOTES_CAP = 1024 * 1024
ENDINGS = {
    "text/plain": "txt",
    "text/markdown": "md",
    "text/vtt": "vtt",
    "application/x-subrip": "srt",
    "application/json": "json",
}
"""Content types of notes, and how a file of each is called where no name is given."""

_MEETINGS = {
    "propose": Word.MEETING_PROPOSE,
    "start": Word.MEETING_START,
    "end": Word.MEETING_END,
    "cancel": Word.MEETING_CANCEL,
}


def _about_incident(body: type[Body], recorded: bool = False) -> dict[str, Any]:
    shape = RecordedAnswer if recorded else IncidentAnswer
    return {"tags": ["incidents"], "responses": ok(shape | OrderOnly), "openapi_extra": takes(body)}


def _about_item(body: type[Body]) -> dict[str, Any]:
    return {"tags": ["items"], "responses": ok(ItemAnswer), "openapi_extra": takes(body)}


Decision = Annotated[DecisionBody, Depends(body_of(DecisionBody))]
ActionItem = Annotated[ActionItemBody, Depends(body_of(ActionItemBody))]
Question = Annotated[QuestionBody, Depends(body_of(QuestionBody))]
Update = Annotated[UpdateBody, Depends(body_of(UpdateBody))]
Said = Annotated[ReportBody, Depends(body_of(ReportBody))]
Meeting = Annotated[MeetingBody, Depends(body_of(MeetingBody))]
Take = Annotated[TakeBody, Depends(body_of(TakeBody))]
Handover = Annotated[HandoverBody, Depends(body_of(HandoverBody))]


@minutes.post("/incidents/{incident_id}/decisions", **_about_incident(DecisionBody, recorded=True))
def decide(who: Operator, desk: At, incident_id: str, body: Decision) -> Response:
    """Record a decision."""
    return desk.recorded(Order(Word.DECIDE, incident_id, details=body.given()), who)


@minutes.post("/incidents/{incident_id}/action-items", **_about_incident(ActionItemBody, recorded=True))
def act(who: Operator, desk: At, incident_id: str, body: ActionItem) -> Response:
    """Record an action item. The answer says the owner and the exact time back."""
    return desk.recorded(Order(Word.ACTION, incident_id, details=body.given()), who)


@minutes.post("/incidents/{incident_id}/questions", **_about_incident(QuestionBody, recorded=True))
def ask(who: Operator, desk: At, incident_id: str, body: Question) -> Response:
    """Record an open question."""
    return desk.recorded(Order(Word.QUESTION, incident_id, details=body.given()), who)


@minutes.post("/incidents/{incident_id}/updates", **_about_incident(UpdateBody))
def update(who: Operator, desk: At, incident_id: str, body: Update) -> Response:
    """Tell everybody how things stand."""
    return desk.about_incident(Order(Word.UPDATE, incident_id, details=body.given()), who)


@minutes.post("/incidents/{incident_id}/report", **_about_incident(ReportBody))
def report(who: Operator, desk: At, incident_id: str, body: Said) -> Response:
    """Say what is known: any fields of the halt report."""
    severity = {"severity": str(body.severity)} if body.severity else {}
    details = {"fields": body.fields(), **severity}
    return desk.about_incident(Order(Word.REPORT, incident_id, body.reason or "", body.environment, details), who)


@minutes.post("/incidents/{incident_id}/meetings", **_about_incident(MeetingBody))
def meet(who: Operator, desk: At, incident_id: str, body: Meeting) -> Response:
    """Propose or move the meeting of an incident, start it, end it (the summary goes out), or call it off."""
    return desk.about_incident(Order(_MEETINGS[body.action], incident_id, details=body.given("action")), who)


@minutes.post("/incidents/{incident_id}/take", **_about_incident(TakeBody))
def take(who: Operator, desk: At, incident_id: str, body: Take) -> Response:
    """Answer for an incident from now on."""
    return desk.about_incident(Order(Word.TAKE, incident_id, body.reason), who)


@minutes.post("/incidents/{incident_id}/handover", **_about_incident(HandoverBody))
def handover(who: Operator, desk: At, incident_id: str, body: Handover) -> Response:
    """Offer an incident to somebody else; it moves once that person accepts."""
    return desk.about_incident(Order(Word.HANDOVER, incident_id, body.reason, details={"to": body.to}), who)


@minutes.post("/incidents/{incident_id}/accept", **_about_incident(NoBody))
def accept(who: Operator, desk: At, incident_id: str, _: Annotated[NoBody, Depends(body_of(NoBody))]) -> Response:
    """Say yes to an incident that was offered."""
    return desk.about_incident(Order(Word.ACCEPT, incident_id), who)


async def _notes_of(request: Request) -> tuple[str, str]:
    """The text, and the ending that its content type stands for. 413 over 1 MiB, 415 for another content type."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind not in ENDINGS:
        raise HTTPException(415, f"Notes come as one of {', '.join(ENDINGS)}. Nothing was kept.")
    return decoded(await read_capped(request, NOTES_CAP)), ENDINGS[kind]


_NOTES_BODY = {"requestBody": {"required": True, "content": {kind: {"schema": {"type": "string"}} for kind in ENDINGS}}}


@minutes.post(
    "/incidents/{incident_id}/notes",
    tags=["incidents"],
    responses={
        **ok(IncidentAnswer | OrderOnly),
        413: problem_answer("The notes are larger than 1 MiB."),
        415: problem_answer("The content type is none of those that notes come in."),
    },
    openapi_extra=_NOTES_BODY,
)
def notes(
    who: Operator,
    desk: At,
    incident_id: str,
    read: Annotated[tuple[str, str], Depends(_notes_of)],
    name: Annotated[str | None, Query(max_length=200, description="Of the file; its ending tells the format.")] = None,
    zone: Annotated[str | None, Query(max_length=64, description="IANA time zone of the meeting.")] = None,
) -> Response:
    """Give notes or a transcript: plain text, Markdown, WebVTT, SRT, or a Slack export. Each record names its line."""
    text, ending = read
    details = {"text": text, "name": name or f"notes.{ending}", **({"zone": zone} if zone else {})}
    return desk.about_incident(Order(Word.NOTES, incident_id, details=details), who)


@minutes.post("/minutes/{item_id}/answer", **_about_item(AnswerBody))
def answer_question(
    who: Operator, desk: At, item_id: str, body: Annotated[AnswerBody, Depends(body_of(AnswerBody))]
) -> Response:
    """Answer a question."""
    return desk.about_item(Order(Word.ANSWER, item_id, details=body.given()), who)


@minutes.post("/minutes/{item_id}/finish", **_about_item(FinishBody))
def finish(
    who: Operator, desk: At, item_id: str, body: Annotated[FinishBody, Depends(body_of(FinishBody))]
) -> Response:
    """Say that an action item is done."""
    return desk.about_item(Order(Word.FINISH, item_id, details=body.given()), who)


@minutes.post("/minutes/{item_id}/snooze", **_about_item(SnoozeBody))
def snooze(
    who: Operator, desk: At, item_id: str, body: Annotated[SnoozeBody, Depends(body_of(SnoozeBody))]
) -> Response:
    """Put the next reminder off."""
    return desk.about_item(Order(Word.SNOOZE, item_id, details=body.given()), who)


@minutes.post("/minutes/{item_id}/reassign", **_about_item(ReassignBody))
def reassign(
    who: Operator, desk: At, item_id: str, body: Annotated[ReassignBody, Depends(body_of(ReassignBody))]
) -> Response:
    """Give it to somebody else, who hears of it at once."""
    return desk.about_item(Order(Word.REASSIGN, item_id, details=body.given()), who)


@minutes.post("/minutes/{item_id}/amend", **_about_item(AmendBody))
def amend(who: Operator, desk: At, item_id: str, body: Annotated[AmendBody, Depends(body_of(AmendBody))]) -> Response:
    """Correct what was recorded."""
    return desk.about_item(Order(Word.AMEND, item_id, details=body.given()), who)


@minutes.post("/minutes/{item_id}/withdraw", **_about_item(WithdrawBody))
def withdraw(
    who: Operator, desk: At, item_id: str, body: Annotated[WithdrawBody, Depends(body_of(WithdrawBody))]
) -> Response:
    """Take it back; it stays in the history."""
    return desk.about_item(Order(Word.WITHDRAW, item_id, body.reason), who)


@minutes.post("/minutes/{item_id}/confirm", **_about_item(NoBody))
def confirm(who: Operator, desk: At, item_id: str, _: Annotated[NoBody, Depends(body_of(NoBody))]) -> Response:
    """What was heard, but not for certain, counts from now on."""
    return desk.about_item(Order(Word.CONFIRM, item_id), who)


Viewer = Annotated[Actor, Depends(requires(Role.VIEWER))]


def _queries(request: Request) -> Queries:
    queries: Queries = request.app.state.queries
    return queries


Asked = Annotated[Queries, Depends(_queries)]

said = APIRouter(prefix="/api/v1", responses=READ_ERRORS)


@said.get("/minutes/{item_id}", tags=["items"], responses=ok(people_shapes.ItemDetail))
def show_item(_: Viewer, asked: Asked, item_id: str) -> Response:
    """A decision, an action item or a question, with its history."""
    return answer(asked.item(item_id))


_MARKDOWN: dict[int | str, dict[str, Any]] = {
    200: {"description": "Markdown.", "content": {"text/markdown": {"schema": {"type": "string"}}}}
}


@said.get("/incidents/{incident_id}/summary.md", tags=["incidents"], responses=_MARKDOWN, response_class=Response)
def summary(_: Viewer, asked: Asked, incident_id: str) -> Response:
    """Key points, decisions, action items, questions and the next update, as a Markdown file."""
    text = asked.summary(incident_id)
    named = {"Content-Disposition": f'attachment; filename="summary-{incident_id}.md"'}
    return Response(text.encode("utf-8", "replace"), headers=named, media_type="text/markdown; charset=utf-8")
