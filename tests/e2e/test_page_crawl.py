"""Every page that can be reached from the first one, as a person with the one-time link reaches it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urldefrag, urljoin, urlsplit

import httpx
import pytest
from support.alert_bodies import BEGUN, firing, group, resolved
from support.installation import Up, running_up
from support.ledger import running_ledger
from support.staged_services import F1
from support.written_config import policy, write_config

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

HOSTILE = "<script>alert(1)</script>\"'&{{ 7 * 7 }}"


class Links(HTMLParser):
    """Where a page leads, and every script or inline handler in it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.found += [value for name in ("href", "src") if (value := values.get(name))]
        self.scripts += [tag] if tag == "script" else []
        self.scripts += [name for name in values if name.startswith("on")]


def log_in(up: Up, client: httpx.Client) -> None:
    """Through the link that `up` printed; it works once."""
    link = next(re.search(r"http://\S+/login/\S+", line) for line in up.said if "/login/" in line)
    assert link is not None
    assert client.get(link[0]).status_code == 200
    assert client.post(link[0]).status_code == 303
    with httpx.Client(trust_env=False, timeout=20) as other:
        assert other.post(link[0]).status_code != 303


def crawl(client: httpx.Client, start: str) -> dict[str, httpx.Response]:
    """Every page of this installation, by its address."""
    seen: dict[str, httpx.Response] = {}
    left = [start]
    while left:
        address = left.pop()
        if address in seen or urlsplit(address).netloc != urlsplit(start).netloc:
            continue
        seen[address] = answer = client.get(address, follow_redirects=True)
        if answer.headers["content-type"].startswith("text/html"):
            links = Links()
            links.feed(answer.text)
            assert links.scripts == [], address
            left += [urldefrag(urljoin(address, one)).url for one in links.found]
    return seen


def start_hostile(up: Up, token: dict[str, str]) -> str:
    """A release with hostile papers and evidence; its id."""
    papers = {"objective": HOSTILE, "rollback_plan": {"text": HOSTILE, "link": f"javascript:{HOSTILE}"}}
    body = {"service": "staged", "candidate": "42", "manifest": papers, "reason": HOSTILE}
    started = httpx.post(f"{up.api.address}/api/v1/releases", json=body, headers=token, trust_env=False)
    assert started.status_code == 201, started.text
    release = str(started.json()["id"])
    for metrics, status in (({"f1": HOSTILE}, 400), ({"f1": 0.5, HOSTILE: 0.5}, 201)):
        pushed = httpx.post(
            f"{up.api.address}/api/v1/releases/{release}/evidence",
            params={"name": "evaluation"},
            json={"metrics": metrics},
            headers=token,
            trust_env=False,
        )
        assert pushed.status_code == status, pushed.text
    return release


def test_no_link_of_any_page_is_broken_and_nothing_hostile_gets_through(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_ledger(tmp_path) as ledger:
        asking = policy("asking", ledger.url, authority="rollback_authority")
        stages = [{"name": "evaluation", "gates": [F1]}, {"name": "production"}]
        staged = policy("staged", ledger.url, stages=stages, release=None, baseline="41")
        staged = {key: value for key, value in staged.items() if value is not None}
        config = write_config(tmp_path / "config", [policy("one", ledger.url), asking, staged])
        with running_up(tmp_path, config) as up:
            alert = firing("one", severity="critical", note=HOSTILE)
            alert["annotations"]["summary"] = HOSTILE
            run = up.api.settled(up.api.alert(group(alert))["runs"][0])
            up.api.alert(group(firing("asking"), resolved("one", began=BEGUN)))
            up.api.post({"alerts": "none"})
            attach = f"{up.api.address}/api/v1/incidents/{run['incident_id']}/files"
            token = {"Authorization": f"Bearer {up.api.token}"}
            kept = httpx.post(
                attach, params={"name": HOSTILE}, content=HOSTILE.encode(), headers=token, trust_env=False
            )
            assert kept.status_code == 200, kept.text
            release = start_hostile(up, token)
            with httpx.Client(trust_env=False, timeout=20) as client:
                log_in(up, client)
                pages = crawl(client, f"{up.api.address}/")
                stranger = {address: httpx.get(address, trust_env=False, timeout=20) for address in pages}
            broken = {address: page.status_code for address, page in pages.items() if page.status_code != 200}
            assert broken == {}
            assert f"{up.api.address}/incidents/{run['incident_id']}" in pages
            assert f"{up.api.address}/releases/{release}" in pages
            assert any(f"/releases/{release}/evidence/" in address for address in pages)
            html = [page for page in pages.values() if page.headers["content-type"].startswith("text/html")]
            assert all("default-src 'none'" in page.headers["content-security-policy"] for page in html)
            plain = [page for page in pages.values() if page not in html and "/static/" not in str(page.url)]
            assert all("attachment" in page.headers["content-disposition"] for page in plain)
            assert not any("<script>alert" in page.text for page in html)
            assert any("&lt;script&gt;alert" in page.text for page in html)
            for address, page in stranger.items():
                if "/static/" not in address and "/login" not in address:
                    assert page.status_code == (401 if "/api/" in address else 303), address
            assert any(address.startswith(attach) for address in pages)
            with capsys.disabled():
                print(f"\n{len(pages)} pages, none broken")
