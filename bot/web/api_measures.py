"""`/api/v1/measures`: the measures of the process."""

from __future__ import annotations

from fastapi import APIRouter

from bot.web.openapi import READ_ERRORS

measures = APIRouter(prefix="/api/v1", responses=READ_ERRORS)
