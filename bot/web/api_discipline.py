"""`/api/v1/discipline`: for each service, how long a restoration takes as measured."""

from __future__ import annotations

from fastapi import APIRouter

from bot.web.openapi import READ_ERRORS

discipline = APIRouter(prefix="/api/v1", responses=READ_ERRORS)
