"""Texts that would call people, open links or forge structure if anything let them: one list for every medium."""

from __future__ import annotations

PAGE = "https://andon.example/incidents/inc-1"
"""The only address that may be clicked."""

HOSTILE = [
    "<!channel>",
    "<!here>",
    "<!everyone>",
    "<!here|look>",
    "<@U0IDA>",
    "<@U0IDA|ida>",
    "<@W0IDA>",
    "<#C0MLREL>",
    "<#C0MLREL|ml-releases>",
    "<!subteam^S0ONCALL>",
    "<!subteam^S0ONCALL|@ml-oncall>",
    "<!date^1392734382^{date}^https://evil.example|now>",
    "<https://evil.example>",
    "<https://evil.example|https://andon.example>",
    "<mailto:evil@example.com|mail>",
    "<tel:112|call>",
    "<slack://open?team=T0>",
    "@channel @here @everyone",
    "@U0IDA #ml-releases",
    "https://evil.example/x www.evil.example",
    "[click](https://evil.example)",
    "&lt;!channel&gt;",
    "&amp;lt;!channel&amp;gt;",
    "&#60;!channel&#62;",
    "`<!channel>`",
    "```\n<!channel>\n```",
    "**<!channel>**",
    "<\u200b!channel>",
    "<!chan\u0000nel>",
    "<!chan\ud800nel>",
    "<\u202e!channel>",
    "<<!channel>>",
    "<!channel\n>",
    f"<{PAGE}|{PAGE}>",
    f"{PAGE}.evil.example",
    f"{PAGE}@evil.example",
    "> quote\n>>> all",
    "*bold* _it_ ~no~ `code`",
    '"}],"blocks":[{"type":"section"',
]
