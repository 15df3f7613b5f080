"""A shadow proxy: answers from the incumbent at once, asks the candidate the same in the background, reports both."""

from __future__ import annotations

import asyncio
import json
import os
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx
from andon_observations import Observer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

HOP_BY_HOP = frozenset(
    (
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
NOT_SENT_ON = HOP_BY_HOP | {"accept-encoding"}  # httpx asks for what it can unpack
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
Answer = tuple[httpx.Response | None, float, str]


class ShadowProxy:
    """Sends each POST to both; everything else only to the incumbent.

    `answer_of` turns the body of a response into what is compared. At most `most_at_once` candidates are asked at the
    same time, each for at most `candidate_seconds`; a request beyond that is answered as ever, and not shadowed.
    """

    def __init__(
        self,
        incumbent: httpx.AsyncClient,
        candidate: httpx.AsyncClient,
        observer: Observer,
        *,
        answer_of: Callable[[bytes], Any],
        candidate_seconds: float = 2.0,
        most_at_once: int = 32,
    ) -> None:
        self.incumbent = incumbent
        self.candidate = candidate
        self.observer = observer
        self.answer_of = answer_of
        self.candidate_seconds = candidate_seconds
        self.most_at_once = most_at_once
        self.not_shadowed = 0
        self.shadows: set[asyncio.Task[None]] = set()

    async def handle(self, request: Request) -> Response:
        """The incumbent's answer, or 502 when it gives none."""
        body = await request.body()
        key = request.headers.get("x-request-id") or uuid.uuid4().hex
        headers = [(name, value) for name, value in request.headers.items() if name not in NOT_SENT_ON]
        target = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path

        async def ask(client: httpx.AsyncClient) -> Answer:
            started = time.perf_counter()
            try:
                answer = await client.request(request.method, target, content=body, headers=headers)
            except httpx.HTTPError as error:
                return None, (time.perf_counter() - started) * 1000, type(error).__name__
            failed = f"HTTP {answer.status_code}" if answer.status_code >= 500 else ""
            return answer, (time.perf_counter() - started) * 1000, failed

        said = await ask(self.incumbent)
        if request.method == "POST":
            self._shadow(key, said, lambda: ask(self.candidate))
        answer = said[0]
        if answer is None:
            return Response("the incumbent gives no answer", status_code=502, headers={"x-request-id": key})
        response = Response(answer.content, status_code=answer.status_code)
        # httpx has unpacked the body, so its encoding is no longer true; the length is set anew.
        dropped = HOP_BY_HOP | {"content-encoding", "x-request-id"}
        for name, value in answer.headers.multi_items():
            if name not in dropped:
                response.headers.append(name, value)
        response.headers["x-request-id"] = key
        return response

    def _shadow(self, key: str, incumbent: Answer, ask: Callable[[], Any]) -> None:
        if len(self.shadows) >= self.most_at_once:
            self.not_shadowed += 1
            return
        task = asyncio.get_running_loop().create_task(self._compare(key, incumbent, ask))
        self.shadows.add(task)  # the loop itself keeps no reference that would keep it alive
        task.add_done_callback(self.shadows.discard)

    async def _compare(self, key: str, incumbent: Answer, ask: Callable[[], Any]) -> None:
        try:
            async with asyncio.timeout(self.candidate_seconds):
                candidate = await ask()
        except TimeoutError:
            candidate = (None, self.candidate_seconds * 1000, "timeout")
        errors, answers = {}, {}
        for side, (response, _, failed) in (("incumbent", incumbent), ("candidate", candidate)):
            answers[side], errors[side] = self._understood(response, failed)
        self.observer.pair(
            key,
            incumbent=answers["incumbent"],
            candidate=answers["candidate"],
            incumbent_ms=incumbent[1],
            candidate_ms=candidate[1],
            error={side: words for side, words in errors.items() if words} or None,
        )

    def _understood(self, response: httpx.Response | None, failed: str) -> tuple[Any, str]:
        if failed or response is None:
            return None, failed or "no answer"
        try:
            answer = self.answer_of(response.content)
        except Exception as error:  # whatever a candidate sends, the pair is reported
            return None, f"answer not understood: {type(error).__name__}"
        return (answer, "") if answer is not None else (None, "no answer")

    async def close(self) -> None:
        """Let the shadows that are under way end, each within its own deadline, and send what waits."""
        await asyncio.gather(*self.shadows, return_exceptions=True)
        await asyncio.to_thread(self.observer.close, 5.0)
        await self.incumbent.aclose()
        await self.candidate.aclose()


def client_for(url: str, *, most: int | None = None) -> httpx.AsyncClient:
    """A client that adds nothing: no cookie of one caller for the next, no proxy or password of this host."""
    no_cookies = CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
    limits = httpx.Limits(max_connections=most, max_keepalive_connections=100)
    return httpx.AsyncClient(base_url=url, timeout=30.0, cookies=no_cookies, trust_env=False, limits=limits)


def field_of(name: str) -> Callable[[bytes], Any]:
    """Reads one field of a JSON object."""

    def read(body: bytes) -> Any:
        return json.loads(body)[name]

    return read


def application(proxy: ShadowProxy) -> Starlette:
    """The proxy as an ASGI application for every path."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await proxy.close()

    return Starlette(routes=[Route("/{path:path}", proxy.handle, methods=METHODS)], lifespan=lifespan)


def from_environment() -> Starlette:
    """The proxy that INCUMBENT, CANDIDATE, ANSWER, ANDON, TOKEN and RELEASE describe; see the README."""
    env = os.environ
    observer = Observer(env["ANDON"], env["TOKEN"], env["RELEASE"])
    answer_of = field_of(env.get("ANSWER", "answer"))
    proxy = ShadowProxy(client_for(env["INCUMBENT"]), client_for(env["CANDIDATE"]), observer, answer_of=answer_of)
    return application(proxy)
