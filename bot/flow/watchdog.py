"""The reverse of the heartbeat: engineers are told once when Alertmanager's Watchdog alert stops coming in."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.events import ANDON, Alert, AlertStatus
from bot.domain.pulses import Part, Pulse, is_silent
from bot.domain.records import AuditEntry, Notice
from bot.domain.times import format_duration, format_time
from bot.domain.ways import ENGINEERING, PAGE, ways_of
from bot.flow.chores import Rounds
from bot.ports import Bell, JobName, Lane

NOTICE = "watchdog_silent"
ALERT = "Watchdog"
"""The name of the alert that always fires: https://runbooks.prometheus-operator.dev/runbooks/general/watchdog/"""
_PAUSE = timedelta(seconds=5)
_EXPECTED = "it did not come yet"


def sign_in(alert: Alert, now: datetime) -> Pulse | None:
    """The sign of life that an alert is; None for all but the Watchdog. It is kept in the delivery's own commit."""
    is_one = alert.source == "alertmanager" and alert.labels.get("alertname") == ALERT
    return Pulse(Part.WATCHDOG, now, alert.source) if is_one and alert.status is AlertStatus.FIRING else None


class Watchdog:
    """A chore of the clock, of any number of clocks. The row in SQL says whether people were told."""

    def __init__(self, rounds: Rounds, within: timedelta | None) -> None:
        self._rounds = rounds
        self._within = within
        self._looked: datetime | None = None

    def check(self) -> None:
        """Tell the engineers once for each silence; the alert's return ends it."""
        now = self._rounds.now()
        if self._within is None or (self._looked is not None and self._looked <= now < self._looked + _PAUSE):
            return
        self._looked = now
        with self._rounds.store.read() as tx:
            pulse = tx.pulses().get(Part.WATCHDOG)
        if pulse is None:
            self._expect(now)
        elif pulse.told_at is None and is_silent(pulse, self._within, now):
            self._tell(pulse, self._within, now)

    def _expect(self, now: datetime) -> None:
        """From now on it is waited for, so that one that never comes is noticed too."""
        with self._rounds.store.write() as tx:
            if tx.claim_pulse(Part.WATCHDOG, now, now, ""):
                tx.save(Pulse(Part.WATCHDOG, now, problem=_EXPECTED))

    def _tell(self, pulse: Pulse, within: timedelta, now: datetime) -> None:
        with self._rounds.store.write() as tx:
            if not tx.claim_silence(Part.WATCHDOG, now - within, now):
                return
            since = format_time(pulse.at) if pulse.at else ""
            data = {"since": since, "within": format_duration(within), "problem": pulse.problem}
            notices = self._notices(now, data)
            tx.add(*notices, AuditEntry(now, ANDON.name, "watchdog.silent", "watchdog:alertmanager", data))
        self._rounds.queue.ring([Bell(JobName.SEND_NOTICE, one.id, Lane.NOTICES) for one in notices])

    def _notices(self, now: datetime, facts: dict[str, str]) -> list[Notice]:
        """To the engineers of every service, each place once; on the page where none has a place."""
        teller = self._rounds.consequences.teller
        made = teller.about_house(NOTICE, cause="watchdog:alertmanager", now=now, **facts)
        policies = self._rounds.configuration().policies.values()
        ways = [way for policy in policies for way in ways_of(policy, ENGINEERING, teller.media)]
        places = [way for way in dict.fromkeys(ways) if way != PAGE] or [PAGE]
        return [replace(made, id=self._rounds.ids.new("ntc"), medium=one.medium, address=one.address) for one in places]
