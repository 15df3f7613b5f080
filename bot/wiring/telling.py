"""What writes notices and sends them."""

from __future__ import annotations

from datetime import timedelta

from bot.adapters.glossary import load_glossary
from bot.adapters.letters import LetterWriter
from bot.adapters.media import open_enclosures, open_media
from bot.adapters.notice_templates import NoticeTemplates
from bot.adapters.paging.messenger import PageSender
from bot.adapters.shipped import shipped_folder
from bot.flow.freshening import Freshener
from bot.flow.notices import NoticeDesk
from bot.wiring.core import Core
from bot.wiring.outside import folders_of

_NOTICE_LEASES = 10
"""A notice is its worker's for this many leases: nobody renews it, so it has to cover the slowest medium."""


def build_desk(core: Core) -> NoticeDesk:
    """Notices by every medium that is set. ConfigError where one cannot be used."""
    settings, outside = core.settings, core.outside
    templates = folders_of(settings.config / "templates", shipped_folder("templates"))
    return NoticeDesk(
        store=outside.store,
        clock=outside.clock,
        ids=outside.ids,
        renderer=LetterWriter(NoticeTemplates(templates), open_enclosures(settings), load_glossary(templates)),
        messengers={
            **open_media(settings, outside.workshop.http, outside.clock, templates),
            **{name: PageSender(pager) for name, pager in core.pagers.items()},
        },
        configuration=outside.current,
        freshen=Freshener(core.teller, outside.current).fresh,
        owner=outside.owner,
        ttl=timedelta(seconds=_NOTICE_LEASES * settings.lease_seconds),
        log=outside.log,
        crash=outside.workshop.crash,
    )
