"""The buttons of the pages: each a posted form with the session's token, each one order through the same door."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.domain.access import Access
from bot.domain.errors import BadInput
from bot.domain.events import Receipt
from bot.domain.times import parse_duration
from bot.domain.words import Word
from bot.web.bodies import form_of
from bot.web.identity import Unknown, check_forgery, session_of
from bot.web.orders import EVERYTHING, OF_INCIDENTS, OF_MINUTES, OF_RELEASES, OF_RUNS, OF_SERVICES, Order, Orders
from bot.web.page_forms import ABOUT_POSTMORTEMS, OWN_REASON, REASONED, Form, details_in
from bot.web.queries import Queries

DRILL_WORDS = {"run": Word.RUN_DRILL, "skip": Word.SKIP_DRILL, "move": Word.MOVE_DRILL}

Posted = Callable[[Request, Form, Access], Response]


class PageOrders:
    """After an order the browser is sent back to where it came from, with the decision shown on top."""

    def __init__(self, orders: Orders, queries: Queries) -> None:
        self._orders = orders
        self._queries = queries

    def routes(self) -> list[Route]:
        """Only POST: a link can change nothing."""
        return [
            _posted("/runs/{id}/{word}", self.about_run),
            _posted("/services/{id}/drill", self.drill),
            _posted("/services/{id}/{word}", self.about_service),
            _posted("/incidents/{id}/{word}", self.about_incident),
            _posted("/minutes/{id}/{word}", self.about_minute),
            _posted("/releases/{id}/{word}", self.about_release),
            _posted("/drills/{id}/{word}", self.about_drill),
            _posted("/events/{id}/replay", self.replay),
            _posted("/automation", self.automation),
        ]

    def about_run(self, request: Request, form: Form, access: Access) -> Response:
        """Answers and help for a run."""
        word = _word(request, OF_RUNS)
        run_id = request.path_params["id"]
        details = {"plan_hash": form["plan_hash"][:128]} if form.get("plan_hash") else {}
        receipt = self._orders.give(Order(word, run_id, _reason(form), details=details), access.actor, "page")
        incident = self._queries.run(run_id)["incident_id"]
        return _back(f"/incidents/{incident}" if incident else f"/runs/{run_id}", receipt)

    def about_service(self, request: Request, form: Form, access: Access) -> Response:
        """Halt, lift, hands-off, rollback."""
        word = _word(request, OF_SERVICES)
        name = request.path_params["id"]
        details: dict[str, str] = {}
        if word is Word.HANDS_OFF:
            parse_duration(form.get("for", ""))
            details["for"] = form.get("for", "")
        environment = form.get("environment") or None
        order = Order(word, name, _said(form), environment, details)
        receipt = self._orders.give(order, access.actor, "page")
        incident = receipt.incidents[0] if receipt.incidents and word is not Word.LIFT else None
        return _back(f"/incidents/{incident}" if incident else f"/services/{name}", receipt)

    def about_incident(self, request: Request, form: Form, access: Access) -> Response:
        """Resolve and endorse, what people say and decide, the meeting, and who answers for it."""
        word = _word(request, OF_INCIDENTS)
        incident = request.path_params["id"]
        order = Order(word, incident, _why(word, form), details=details_in(word, form))
        page = "/postmortem" if word in ABOUT_POSTMORTEMS else ""
        return _back(f"/incidents/{incident}{page}", self._orders.give(order, access.actor, "page"))

    def about_minute(self, request: Request, form: Form, access: Access) -> Response:
        """Done, answered, put off, given to somebody else, corrected, taken back, confirmed."""
        word = _word(request, OF_MINUTES)
        item = request.path_params["id"]
        order = Order(word, item, _why(word, form), details=details_in(word, form))
        receipt = self._orders.give(order, access.actor, "page")
        return _back(f"/incidents/{self._queries.item(item)['incident_id']}", receipt)

    def about_release(self, request: Request, form: Form, access: Access) -> Response:
        """Go on, sign, stand for it, accept it, give it up."""
        word = _word(request, OF_RELEASES)
        if word is Word.ABANDON and not form.get("sure"):
            raise BadInput("A release is given up for good", next="go back and tick that you are sure")
        release = request.path_params["id"]
        order = Order(word, release, _why(word, form), details=details_in(word, form))
        return _back(f"/releases/{release}", self._orders.give(order, access.actor, "page"))

    def drill(self, request: Request, form: Form, access: Access) -> Response:
        """Rehearse now; leads to the drill."""
        service = request.path_params["id"]
        details: dict[str, Any] = {key: form[key].strip() for key in ("playbook", "name") if form.get(key, "").strip()}
        details |= {"surprise": True} if form.get("surprise") else {}
        order = Order(Word.DRILL, service, _reason(form), form.get("environment") or None, details)
        receipt = self._orders.give(order, access.actor, "page")
        return _back(f"/drills/{receipt.records[0]}" if receipt.records else f"/services/{service}", receipt)

    def about_drill(self, request: Request, form: Form, access: Access) -> Response:
        """Carry a planned one out now, leave it out, move it."""
        word = DRILL_WORDS.get(request.path_params["word"])
        if word is None:
            raise BadInput("There is no such order", next=f"orders here: {', '.join(DRILL_WORDS)}")
        drill = request.path_params["id"]
        order = Order(word, drill, _why(word, form), details=details_in(word, form))
        return _back(f"/drills/{drill}", self._orders.give(order, access.actor, "page"))

    def automation(self, _: Request, form: Form, access: Access) -> Response:
        """The switch for everything."""
        on = {"on": True, "off": False}.get(form.get("switch", ""))
        if on is None:
            raise BadInput("The switch is either on or off")
        order = Order(Word.AUTOMATION, EVERYTHING, _said(form), details={"on": on})
        return _back("/", self._orders.give(order, access.actor, "page"))

    def replay(self, request: Request, _: Form, access: Access) -> Response:
        """A dead letter once more; leads to what became of it."""
        receipt = self._orders.replay(request.path_params["id"], access.actor)
        return RedirectResponse(f"/events/{receipt.event_id}", 303)


def _posted(path: str, handle: Posted) -> Route:
    async def receive(request: Request) -> Response:
        form = await form_of(request)
        return await run_in_threadpool(_checked, request, form, handle)

    return Route(path, receive, methods=["POST"])


def _checked(request: Request, form: Form, handle: Posted) -> Response:
    access = session_of(request)
    if access is None:
        raise Unknown
    check_forgery(request, access, form.get("csrf", ""))
    return handle(request, form, access)


def _word(request: Request, allowed: frozenset[Word]) -> Word:
    text = request.path_params["word"].replace("-", "_")
    for word in allowed:
        if word == text:
            return word
    raise BadInput("There is no such order", next=f"orders here: {', '.join(sorted(allowed))}")


def _reason(form: Form) -> str:
    return form.get("reason", "").strip()[:4000]


def _why(word: Word, form: Form) -> str:
    if word in REASONED:
        return _said(form)
    return "" if word in OWN_REASON else _reason(form)


def _said(form: Form) -> str:
    reason = _reason(form)
    if not reason:
        raise BadInput("A reason is needed", next="go back and say why, in a few words")
    return reason


def _back(address: str, receipt: Receipt) -> Response:
    return RedirectResponse(f"{address}?said={receipt.event_id}", 303)
