"""Decisions and questions as people speak them: "let's go with …", "we decided to …", "agreed: …", "who does …?"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from handlers.hearing.phrases import CONDITION, HEDGE, LEAD_IN, REPORTED

_ACT = (
    r"(?:go(?:ing)?\s+(?:with|for|back\s+to\s+\S*\d)|roll(?:ing)?\s+(?:it\s+|this\s+|that\s+|\w+\s+)?back"
    r"|keep(?:ing)?(?!\s+(?:\w+ing|in\s+mind|an\s+eye)\b)|hold(?:ing)?|postpon(?:e|ing)|ship(?:ping)?|halt(?:ing)?"
    r"|stop(?:ping)?(?!\s+(?:here|there|talking))|stay(?:ing)?|switch(?:ing)?(?!\s+(?:over|gears|slides|topics))"
    r"|freez(?:e|ing)|revert(?:ing)?|stick(?:ing)?\s+(?:with|to)\s+(?!that\s+question|the\s+topic)|delay(?:ing)?"
    r"|reject(?:ing)?|abort(?:ing)?|disabl(?:e|ing)|run(?:ning)?\s+without)\b"
)
_ACTS = rf"(?:not\s+(?:going\s+to\s+)?)?{_ACT}"
_NOT_TO = rf"(?:{_ACT}|not\s+\w+)"
_I = re.IGNORECASE

_FORMS = tuple(
    re.compile(pattern, _I | re.DOTALL)
    for pattern in (
        rf"\blet(?:['’]?s|\s+us)\s+(?P<text>{_NOT_TO}.*)",
        (
            r"\bwe(?:['’]ve|\s+have)?\s+(?:just\s+|all\s+|now\s+|also\s+)?(?:decided|agreed|resolved)\s+"
            r"(?P<text>(?:to|that|on|not|against|for)\b.*)"
        ),
        r"\b(?:it['’]?s|it\s+is|that['’]?s|that\s+is|then\s+it['’]?s|this\s+is)\s+(?:decided|settled|agreed)\b[\s:,–-]*(?P<text>.{4,})",
        rf"^{LEAD_IN}(?:agreed|decided|settled|resolved)\s*[:,–-]\s*(?P<text>.{{4,}})",
        rf"\bwe(?:['’]ll|\s+will|['’]re\s+going\s+to|\s+are\s+going\s+to|\s+are|['’]re)\s+(?:now\s+|then\s+)?(?P<text>{_ACTS}.*)",
        rf"^{LEAD_IN}(?:(?:maybe|perhaps|i\s+think|i\s+guess)\s+)?(?:(?:until|for|from|in|on|at)\s[^,]{{2,30}},?\s+)?we\s+(?:now\s+|then\s+)?(?P<text>{_ACTS}.*)",
        r"\bthe\s+(?:board|group|team|committee|council)\s+(?:has\s+)?\W{0,2}(?:decided|resolved|agreed)\W{0,2}\s+(?P<text>.*)",
        r"\bi(?:['’]ve|\s+have)?\s+decided\s+(?P<text>(?:to|against)\b.*)",
        r"\bdecision\s+is\s*(?::|to\b)\s*(?P<text>\S.*)",
        r"(?P<text>.{4,}?),\s+(?:decided|agreed|settled)[.!]?$",
    )
)
_UNDECIDED = re.compile(
    r"\b(?:haven['’]?t|have\s+not|not\s+yet|can['’]?t|cannot|never|didn['’]?t|don['’]?t|before\s+we|should\s+we|shall\s+we|until\s+we\s+decide)\b",
    _I,
)
_EARLIER = re.compile(
    r"\b(?:already|previously|originally|initially|earlier|back\s+then|at\s+the\s+time|(?:weeks?|months?|years?|days?)\s+ago"
    r"|last\s+(?:week|month|year|time|meeting)|as\s+I\s+said|as\s+(?:we|you)\s+know|in\s+the\s+past|before\s+whether)\b",
    _I,
)
"""Words of who tells about an earlier decision."""
_SOFT = re.compile(r"(?:i|it|that|you|they)\s+(?:could|might|may|would|seems?|think)\b", _I)
LONGEST_RESOLUTION = 40
"""Words of a sentence that decides something; a longer one tells a story."""
_PROPOSAL = re.compile(
    r"\b(?:propose|suggest|recommend|i['’]d\s+say|i\s+would\s+say|should|what\s+about|how\s+about|i\s+vote)\b", _I
)
_REASON = re.compile(
    r"(?:,\s*|\s+)(?:because|since|as\s+(?=the\b|it\b|we\b)|reason:|due\s+to)\s+(?P<reason>.+)$|\breason\s*:\s*(?P<reason2>.+)$",
    _I | re.DOTALL,
)
_OPTIONS = re.compile(r"[\s(\[,;.-]*\boptions?\s*(?:were|are|was)?\s*:\s*(?P<options>[^)\]]{1,400})[)\]]?", _I)
_TAG_QUESTION = re.compile(
    r"(?:,|\.|;)\s*(?:agreed|ok(?:ay)?|right|yes|(?:every(?:body|one)|all)\s+\w+(?:\s+with\s+(?:that|this|it))?|fine|objections)\s*\?$",
    _I,
)
_OPEN_QUESTION = re.compile(
    r"^\W*(?:(?:and|but|so|ok|okay|thx|thanks|then|great|good|right)\b[\s,.!]*){0,3}"
    r"(?:who(?:se)?\b|which\b|how\s+(?:do|should|can|long|many|much|will)\b|what\s+(?:do|should|will)\s+we\b|when\s+(?:will|do|can|does|is)\b"
    r"|where\s+(?:is|are|do|does)\b|do\s+we\b|does\s+\w+|has\s+any(?:one|body)\b|have\s+we\b|is\s+there\b|are\s+there\b|did\s+any(?:one|body)\s+(?:check|test|look)"
    r"|any(?:one|body)\s+knows?\b|no(?:body|\s+one)\s+knows\b)",
    _I,
)


@dataclass(frozen=True)
class Resolution:
    """A decision in words, split into what it has."""

    text: str
    options: tuple[str, ...] = ()
    choice: str | None = None
    reason: str | None = None
    why_uncertain: str = ""


def split_decision(text: str) -> Resolution:
    """A decision's words as choice, reason ("because …") and options ("options: a | b", or "a, b or c")."""
    words = text.strip()
    options: tuple[str, ...] = ()
    listed = _OPTIONS.search(words)
    if listed:
        options = split_options(listed["options"])
        words = (words[: listed.start()] + " " + words[listed.end() :].lstrip(" )")).strip()
    reason = _REASON.search(words)
    choice = (words[: reason.start()] if reason else words).strip(" .;,-")
    why = (reason["reason"] or reason["reason2"]).strip(" .") if reason else None
    return Resolution(text.strip(), options, choice or None, why)


def split_options(text: str) -> tuple[str, ...]:
    """The options of a list, at most 12."""
    mark = r"\s*\|\s*" if "|" in text else r"\s*[,;/]\s*(?:or\s+)?|\s+or\s+"
    return tuple(one.strip(" .") for one in re.split(mark, text) if one.strip(" ."))[:12]


def find_options(sentence: str) -> tuple[str, ...]:
    """What "Options were: a, b, c" lists; () where the sentence says no such thing."""
    found = re.match(r"\W*(?:the\s+)?options?\s*(?:were|are|was)?\s*:\s*(?P<options>.+)", sentence, _I)
    return split_options(found["options"]) if found else ()


def find_resolution(sentence: str) -> Resolution | None:
    """The decision that a sentence states; uncertain where it hedges, proposes, or asks for consent."""
    if _UNDECIDED.search(sentence):
        return None
    found = next((match for form in _FORMS if (match := form.search(sentence))), None)
    if found is None:
        return None
    before = sentence[: found.start("text")]
    if CONDITION.search(before) or REPORTED.search(before):
        return None
    if _EARLIER.search(sentence):
        return None
    is_question = sentence.rstrip().endswith("?")
    if is_question and not _TAG_QUESTION.search(sentence):
        return None
    why = ""
    if is_question:
        why = "it asks whether everybody agrees"
    elif HEDGE.search(before) or _PROPOSAL.search(before):
        why = "it is a proposal"
    elif len(sentence.split()) > LONGEST_RESOLUTION or _SOFT.match(found["text"]):
        why = "it was said in passing"
    split = split_decision(found["text"].strip(" .!?"))
    return Resolution(sentence.strip(), split.options, split.choice, split.reason, why)


def asks_openly(sentence: str) -> bool:
    """Whether the sentence is a question that somebody has to answer, and no request, proposal or small talk."""
    stripped = sentence.strip()
    return stripped.endswith("?") and len(stripped.split()) >= 3 and bool(_OPEN_QUESTION.match(stripped))
