"""`/api/v1/releases/{id}/bundle` and `/api/v1/incidents/{id}/bundle`: everything about one of them, signed."""

from __future__ import annotations

from fastapi import APIRouter

from bot.web.openapi import READ_ERRORS

bundles = APIRouter(prefix="/api/v1", responses=READ_ERRORS)
