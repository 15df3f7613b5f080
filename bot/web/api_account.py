"""`/api/v1/reports` and `/api/v1/rights`: who did what, and who may."""

from __future__ import annotations

from fastapi import APIRouter

from bot.web.openapi import READ_ERRORS

account = APIRouter(prefix="/api/v1", responses=READ_ERRORS)
