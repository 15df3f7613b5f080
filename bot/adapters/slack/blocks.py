"""A letter as Slack shows it: Block Kit within every limit, a text for where blocks are not shown, nothing live in it.

Limits: https://docs.slack.dev/reference/block-kit/blocks. What is written as mrkdwn is `verbatim`: otherwise Slack
would bring plain words such as `@here` to life.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bot.adapters.slack.mrkdwn import escaped, link_to, one_line, pieces, size
from bot.domain.letters import Button, ButtonStyle, Letter
from bot.domain.people import is_slack_group, is_slack_person

MOST_CHARACTERS = 10_000
"""Of all texts together. Slack refuses a message at about 13,200 without documenting it."""

LONGEST_SECTION = 3_000
LONGEST_HEADER = 150
LONGEST_TEXT = 3_900
"""Of the text beside the blocks; a message can only be edited where it has at most 4,000 characters."""

MOST_BUTTONS_IN_A_ROW = 25
MOST_ROWS = 20
MOST_MENTIONS = 50
LONGEST_VALUE = 2_000
LONGEST_ACTION = 255

_STYLES: Mapping[ButtonStyle, Literal["primary", "danger"]] = {
    ButtonStyle.PRIMARY: "primary",
    ButtonStyle.DANGER: "danger",
}
_UNSAID = "(no words)"


@dataclass(frozen=True)
class SlackWords:
    """What is posted."""

    text: str
    """For notifications, screen readers and old programs; mrkdwn without a mention."""
    blocks: list[dict[str, Any]]
    calls: str
    """The mentions, for a message without blocks."""


def slack_words(letter: Letter, *, mark: str = "") -> SlackWords:
    """The letter as blocks and as text. `mark` (at most 200 characters) becomes the id of the first block."""
    import slackblocks

    subject = one_line(letter.subject, 300)
    calls = _mentions(letter.mentions)
    rows, are_all = _rows(letter.buttons)
    spent = size(subject) + size(calls) + sum(size(one.label) + size(one.confirm) for row in rows for one in row)
    sections, is_cut = pieces(
        letter.body, most=LONGEST_SECTION, total=max(500, MOST_CHARACTERS - spent - 200), link=letter.link
    )
    title = one_line(subject, LONGEST_HEADER) or _UNSAID
    if title not in (subject, _UNSAID):
        sections.insert(0, escaped(subject))
    blocks: list[slackblocks.Block] = [slackblocks.HeaderBlock(title, block_id=f"{mark[:200]}-0" if mark else "b-0")]
    blocks += _numbered(filter(None, [calls, *sections]))
    blocks += [_row(row, number) for number, row in enumerate(rows)]
    more = _more(letter.link, is_cut=is_cut or not are_all)
    if more:
        blocks.append(slackblocks.ContextBlock([_mrkdwn(more)], block_id="more"))
    text = _text(subject or _UNSAID, letter)
    shown: list[dict[str, Any]] = slackblocks.MessageResponse(text=text, blocks=blocks).to_dict()["blocks"]
    return SlackWords(text, shown, calls)


def _mrkdwn(text: str) -> Any:
    import slackblocks

    return slackblocks.Text(text, verbatim=True)


def _numbered(texts: Iterator[str]) -> Iterator[Any]:
    import slackblocks

    for number, text in enumerate(texts, 1):
        yield slackblocks.SectionBlock(_mrkdwn(text), block_id=f"b-{number}")


def _text(subject: str, letter: Letter) -> str:
    title = escaped(subject)
    body, _ = pieces(letter.body, most=LONGEST_TEXT - size(title) - 3, total=MOST_CHARACTERS)
    return "\n".join([title, *body[:1], *(["…"] if len(body) > 1 else [])])


def _mentions(ids: Sequence[str]) -> str:
    """Only what is shaped like an id of a person or a group; whatever else stands there calls nobody."""
    members = {one: f"<@{one}>" for one in ids if is_slack_person(one)}
    groups = {one: f"<!subteam^{one}>" for one in ids if is_slack_group(one)}
    written = members | groups
    return " ".join([written[one] for one in dict.fromkeys(ids) if one in written][:MOST_MENTIONS])


def _more(link: str | None, *, is_cut: bool) -> str:
    if is_cut:
        return f"… {link_to(link, 'the page shows the rest') or 'the page shows the rest'}"
    return link_to(link, "The page shows more") or ""


def _rows(buttons: Sequence[Button]) -> tuple[list[list[Button]], bool]:
    """Buttons in rows, and whether all are there; two with the same action cannot stand in one row."""
    rows: list[list[Button]] = []
    are_all = True
    for button in buttons:
        if not _fits(button):
            are_all = False
            continue
        row = rows[-1] if rows else []
        if not rows or len(row) == MOST_BUTTONS_IN_A_ROW or any(one.action == button.action for one in row):
            if len(rows) == MOST_ROWS:
                return rows, False
            row = []
            rows.append(row)
        row.append(button)
    return rows, are_all


def _fits(button: Button) -> bool:
    """A value cannot be cut: the page shows a button that is too long for Slack."""
    return 0 < len(button.action) <= LONGEST_ACTION and size(button.value) <= LONGEST_VALUE


def _row(row: Sequence[Button], number: int) -> Any:
    import slackblocks

    return slackblocks.ActionsBlock([_button(one) for one in row], block_id=f"buttons-{number}")


def _button(button: Button) -> Any:
    import slackblocks

    confirm = None
    if button.confirm:
        confirm = slackblocks.ConfirmationDialogue(
            title="Are you sure?",
            text=slackblocks.Text(one_line(button.confirm, 300) or _UNSAID, slackblocks.TextType.PLAINTEXT),
            confirm="Yes",
            deny="No",
        )
    return slackblocks.Button(
        one_line(button.label, 75) or one_line(button.action, 75) or _UNSAID,
        action_id=button.action,
        value=button.value or None,
        style=_STYLES.get(button.style),
        confirm=confirm,
    )
