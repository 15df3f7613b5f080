"""`/api/v1/incidents/{id}/postmortem`: the blameless account, its comments and its sign-off."""

from __future__ import annotations

from fastapi import APIRouter

from bot.web.openapi import READ_ERRORS

postmortems = APIRouter(prefix="/api/v1", responses=READ_ERRORS)
