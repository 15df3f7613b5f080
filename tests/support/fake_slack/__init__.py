"""A Slack that behaves: a local server with a workspace, strict rules and people; for tests and benchmarks.

    with fake_slack() as slack:
        ...  # the product gets slack.api_url, slack.workspace.bot_token, slack.workspace.signing_secret
        slack.request_url = "http://127.0.0.1:8080/slack/events"  # or leave it None: Socket Mode
        answer = slack.command("/halt-release", "fraud-model F1 down", user="U0IDA", channel="C0MLREL")
        view = slack.views[-1]
        slack.submit_view(view, {"reason": "F1 is down"})
        slack.click(slack.messages("C0MLREL")[-1], "approve", user="U0RAJ")
        assert slack.calls_of("chat.postMessage")[0].ok

Who and what is there: `seeded` in `workspace.py`. How it misbehaves: `Fault` in `state.py`. How requests are forged:
`FORGERIES` in `people.py`. What would come alive in a message: `live_parts`.
"""

from .block_judge import live_parts, message_faults, view_faults
from .fake import FakeSlack, fake_slack
from .people import FORGERIES, Answer, signature
from .state import Call, Fault, View
from .workspace import Channel, Group, Message, Person, StoredFile, Workspace, seeded

__all__ = [
    "FORGERIES",
    "Answer",
    "Call",
    "Channel",
    "FakeSlack",
    "Fault",
    "Group",
    "Message",
    "Person",
    "StoredFile",
    "View",
    "Workspace",
    "fake_slack",
    "live_parts",
    "message_faults",
    "seeded",
    "signature",
    "view_faults",
]
