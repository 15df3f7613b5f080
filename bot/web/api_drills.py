"""`/api/v1/drills` and the drill of a service: what was rehearsed, what is planned, and the orders about it."""

from __future__ import annotations

from fastapi import APIRouter

from bot.web.openapi import READ_ERRORS

drills = APIRouter(prefix="/api/v1", responses=READ_ERRORS)
