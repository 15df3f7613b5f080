"""Builds the web application out of the head's parts; the only module of the web process that knows them all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.adapters.embedded_redis import address_of
from bot.adapters.once import RedisOnce
from bot.adapters.shipped import shipped_folder
from bot.domain.events import Delivery, Receipt
from bot.domain.inner_alerts import INNER_SOURCES
from bot.settings import Settings
from bot.slack.edge import open_edge
from bot.slack.guard import Guard
from bot.web.answers import answer
from bot.web.api import reads
from bot.web.api_account import account
from bot.web.api_bundles import bundles
from bot.web.api_canaries import Observations, canaries
from bot.web.api_discipline import discipline
from bot.web.api_drills import drills
from bot.web.api_files import fetching, giving
from bot.web.api_live import live
from bot.web.api_measures import measures
from bot.web.api_minutes import minutes, said
from bot.web.api_orders import orders
from bot.web.api_policies import policies
from bot.web.api_postmortems import postmortems
from bot.web.api_releases import release_orders, release_reads
from bot.web.armour import Armour
from bot.web.authentication import ApiTokens, WebhookAuthentication
from bot.web.batching import Batcher
from bot.web.faults import Faults
from bot.web.head import Head, Ring
from bot.web.health import Health
from bot.web.login import Login
from bot.web.metrics import WebMetrics
from bot.web.openapi import build_document
from bot.web.orders import Orders
from bot.web.page_orders import PageOrders
from bot.web.pages import Pages
from bot.web.postmortem_queries import PostmortemQueries
from bot.web.queries import Queries
from bot.web.slack_events import SlackEvents
from bot.web.templating import Templates
from bot.web.webhooks import Webhooks

ROUTERS = (
    reads, policies, canaries, orders, said, minutes, fetching, giving, release_reads, release_orders, live,
    drills, discipline, measures, bundles, postmortems, account,
)  # fmt: skip
"""The JSON API, part by part."""


def create_web(head: Head) -> FastAPI:
    """The ASGI application. Starts one intake thread with its lifespan and ends it there."""
    metrics = WebMetrics(head)
    batcher: Batcher[Delivery, Receipt] = Batcher(
        _timed(head, metrics), head.queue, measure=metrics.batched, note=head.intake.note
    )
    slack, observations = SlackEvents(head, _guard(head.settings), open_edge(head), metrics), Observations(head)
    app = FastAPI(
        title="Andon",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(batcher, observations, slack),
    )
    tokens = ApiTokens(head.tokens)
    templates = Templates(shipped_folder("templates") / "pages")
    queries, given = Queries(head), Orders(head, metrics)
    accounts = PostmortemQueries(head)
    parts = {"head": head, "tokens": tokens, "queries": queries, "orders": given, "observations": observations}
    parts |= {"postmortems": accounts}
    for name, part in parts.items():
        setattr(app.state, name, part)
    authentication = WebhookAuthentication(head.settings.webhook_secrets, head.webhook_token)
    # The busiest routes stand first: they are looked through in order.
    app.router.routes.extend(Webhooks(head, authentication, batcher, metrics).routes())
    app.router.routes.extend(slack.routes())
    app.router.routes.extend(Health(head, metrics).routes())
    for router in ROUTERS:
        app.include_router(router)
    app.router.routes.extend(Login(head, tokens, templates).routes())
    app.router.routes.extend(Pages(head, queries, templates, accounts).routes())
    app.router.routes.extend(PageOrders(given, queries).routes())
    app.router.routes.append(_document(app, sorted(head.sources.keys() - INNER_SOURCES)))
    Faults(templates).install(app)
    app.add_middleware(Armour)
    return app


def _timed(head: Head, metrics: WebMetrics) -> Any:
    def accept(deliveries: Sequence[Delivery], ring: Ring, foresee: Ring) -> list[Receipt]:
        started = time.perf_counter()
        receipts = head.intake.accept(deliveries, ring, foresee)
        metrics.decided("webhook", time.perf_counter() - started)
        return receipts

    return accept


def _guard(settings: Settings) -> Guard:
    redis = settings.redis_url.get_secret_value() if settings.redis_url else address_of(settings.data)
    return Guard(settings.slack_signing_secrets, RedisOnce(redis))


def _lifespan(batcher: Batcher[Delivery, Receipt], observations: Observations, slack: SlackEvents) -> Any:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        batcher.start()
        observations.start()
        slack.start()
        try:
            yield
        finally:
            await batcher.stop()
            await observations.stop()
            await asyncio.to_thread(slack.stop)

    return lifespan


def _document(app: FastAPI, sources: list[str]) -> Route:
    built: dict[str, Any] = {}

    async def openapi(_: Request) -> Response:
        if not built:
            built.update(build_document(app, sources))
        return answer(built)

    return Route("/openapi.json", openapi)
