"""Words that hurt or promise too much when a release goes wrong: one table of what, why, and what to say instead.

Patterns are meant to miss rather than to nag. Those about people need a person as their subject: what a deploy, a
schema or Redis broke is said about the system and stays. Technical terms that only look alike are spared by name.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum


class Concern(StrEnum):
    """What may be wrong with a sentence."""

    BLAME = "blame"
    OVERCLAIM = "overclaim"
    ALARM = "alarm"


@dataclass(frozen=True)
class Rule:
    """One thing not to say. `swap` takes its place where that is safe, with `\\1` for groups of the pattern."""

    concern: Concern
    pattern: re.Pattern[str]
    better: str
    swap: str | None = None
    spared_after: re.Pattern[str] | None = None
    """Ends what stands before, within the sentence: then it is meant otherwise."""


WHY = {
    Concern.BLAME: "it speaks about a person, and people stop telling what they saw",
    Concern.OVERCLAIM: "it claims more than anybody can know yet, and will be quoted when it turns out otherwise",
    Concern.ALARM: "it frightens, and says nothing that can be acted on",
}

SYSTEM = "say what the system did or let happen, and which check was missing"
MEASURED = "say what was measured, and since when"
LIKELY = "say how sure you are, and why"
FIGURES = "say what fails, for whom, and by how much"

ROLES = (
    "engineer|developer|dev|programmer|coder|on-?call|intern|contractor|reviewer|approver|author|committer|"
    "data scientist|scientist|analyst|dba|sre|sysadmin|junior|colleague|teammate|guy|person|product manager"
)
PERSON = (
    rf"(?:he|she|you|someone|somebody|whoever|(?:the|our|an?|another|that|this) (?:[\w-]+ ){{0,2}}?(?:{ROLES})|"
    r"(?:the|our|your) (?:[\w-]+ ){0,2}?team|@[a-z][\w.-]*|<@\w+>)"
)
_HINDSIGHT = "checked|tested|known|noticed|caught|read|asked|waited|reviewed|verified|looked|reverted|thought|told|seen"
_DEEDS = (
    r"broke|caused|crashed|ruined|wrecked|botched|bungled|blew up|overlooked|ignored|failed to|forgot|neglected|"
    r"(?:messed|screwed|fucked)(?: \w+)? up|missed (?:the|this|that|it|an?|every|all|both)|dropped the ball|"
    r"let (?:us|everyone|everybody|the team) down|(?:took|brought) "
    r"(?:down (?:prod|production|the (?:service|site|api|database|cluster|model|platform|pipeline))|"
    r"(?:prod|production|it|everything|the \w+(?: \w+)?) (?:down|offline))|"
    r"(?:didn't|did not) (?:bother|check|test|read|notice|look|verify|review|follow|think|pay attention|care)|"
    r"never (?:checked|tested|read|reviewed|verified|bothered)|could have prevented|"
    rf"should(?:n't| not|n't even)? have (?:{_HINDSIGHT})|should(?:n't| not) have (?:touched|deployed|merged|pushed)|"
    r"(?:deleted|pushed|deployed|merged|ran|dropped|changed|edited) the wrong|"
    r"(?:is|are|was|were|got) (?:too |so |very |just |being )?(?:lazy|dumb|foolish|inexperienced|unqualified|at fault)|"
    r"(?:is|are|was|were) (?:\w+ )?to blame"
)
_HUMAN_DEEDS = (
    r"forgot to|neglected to|(?:didn't|did not) bother|screwed (?:\w+ )?up|dropped the ball|"
    r"(?:was|is) (?:too |so |very )?(?:careless|lazy|negligent)"
)
_FAULT = "fault|mistake|negligence|carelessness|incompetence|sloppiness|oversight"
_NOT_A_FAULT = r"(?![ -](?:tolera\w+|domains?|injection|lines?|isolation|detection|model|zones?))"
_SYSTEMS = (
    "Kafka|Redis|Valkey|Postgres|PostgreSQL|Kubernetes|Terraform|Jenkins|Grafana|Prometheus|Alertmanager|Airflow|Spark|"
    "Docker|Envoy|Istio|Consul|Vault|Cloudflare|Amazon|Google|Azure|Snowflake|Databricks|Slack|Andon|Argo|Helm|Nginx|"
    "Python|Linux|Github|Gitlab|It|We|They|Nobody|This|That|Everybody|What|Which|Who|There|Today|Yesterday|One|Flink|"
    "Triton|Ray|Feast|Cassandra|Mongo|Elasticsearch|Everyone|Anybody|These|Those|Nothing|Something"
)
_NAME = rf"(?-i:(?!(?:{_SYSTEMS})\b)[A-Z][a-z]+(?: [A-Z][a-z]+)?)"
_ADVERB = r"(?:who |that )?(?:(?:has|had|have|just|simply|then|also|again|\w+ly) ){0,2}"

_NEGATED = r"\b(?:not|never|nobody|no one|none|without|cannot|hardly|no longer|if|whether|\w+n't)(?: \w+){0,3} $"
_NO_BLAME = _NEGATED


def rule(
    concern: Concern, pattern: str, better: str, swap: str | None = None, *, spared_after: str | None = None
) -> Rule:
    """A rule; letters of both cases count, and words end where they end."""
    spared = re.compile(spared_after, re.IGNORECASE) if spared_after else None
    return Rule(concern, re.compile(pattern, re.IGNORECASE), better, swap, spared)


def about(people: Collection[str]) -> tuple[Rule, ...]:
    """Rules for people who are known by name; their names are read with their capital letters."""
    names = "|".join(sorted((re.escape(name.strip()) for name in people if name.strip()), key=len, reverse=True))
    if not names:
        return ()
    named = rf"(?<![\w.])(?-i:{names})"
    return (
        _blame(rf"{named} {_ADVERB}(?:{_DEEDS})\b", spared_after=None),
        _blame(rf"{named}'s? (?:own )?(?:{_FAULT})\b{_NOT_A_FAULT}"),
        _blame(rf"\b(?:caused|broken|botched|ruined|crashed) by {named}\b(?!')", spared_after=_NEGATED),
        _blame(rf"\bblam(?:e|ed|es|ing) {named}\b", spared_after=rf"\bgit $|{_NEGATED}"),
    )


def _blame(pattern: str, *, spared_after: str | None = None, swap: str | None = None, better: str = SYSTEM) -> Rule:
    return rule(Concern.BLAME, pattern, better, swap, spared_after=spared_after)


_NOT_A_RATE = r"(?![ -](?:rates?|levels?|baselines?|bars?|codes?|counts?|messages?|performance))"

BLAME = (
    _blame(
        rf"\b(by|to|was|is|of|from|as)(?: an?)? (?:human|user) error\b{_NOT_A_RATE}",
        swap=r"\1 an unguarded manual step",
        spared_after=_NEGATED,
    ),
    _blame(rf"\bhuman errors?\b{_NOT_A_RATE}", spared_after=rf"\bno $|{_NEGATED}"),
    _blame(rf"(?<![@\w]){PERSON} {_ADVERB}(?:{_DEEDS})\b", spared_after=r"\bin case $"),
    _blame(rf"(?<![\w.-]){_NAME} {_ADVERB}(?:{_HUMAN_DEEDS})\b"),
    _blame(rf"\b(?:your|his|her|my|their) (?:own )?(?:{_FAULT})\b{_NOT_A_FAULT}", spared_after=_NEGATED),
    _blame(rf"\b(?:the|our) (?:[\w-]+ ){{0,2}}?(?:{ROLES}|team)'s (?:own )?(?:{_FAULT})\b{_NOT_A_FAULT}"),
    _blame(rf"(?<![\w.-]){_NAME}'s (?:own )?(?:negligence|carelessness|incompetence|sloppiness|mistake)\b"),
    _blame(rf"\b(?:was|is) {_NAME}'s (?:own )?fault\b{_NOT_A_FAULT}", spared_after=_NEGATED),
    _blame(rf"\b(?:fault|mistake|negligence|oversight)s? (?:of|by) (?!you\b|he\b|she\b){PERSON}(?! on\b)"),
    _blame(rf"\b(?:caused|broken|botched|ruined) by (?!you\b|he\b|she\b)(?:him|her|{PERSON})\b(?!')"),
    _blame(rf"\bblam(?:e|ed|es|ing) (?:him|her|them|{PERSON})\b", spared_after=rf"\bgit $|\bto $|{_NEGATED}"),
    _blame(
        r"\b(?:careless(?:ly|ness)?|incompetent(?:ly)?|incompetence|negligent(?:ly)?|negligence|idiot(?:s|ic)?|moronic|"
        r"stupid(?:ly|ity)?|clueless|reckless(?:ly|ness)?|sloppy(?! quorums?| phrases?)|sloppiness|amateurish)\b",
        spared_after=_NO_BLAME,
    ),
    _blame(r"\b(?:rookie|silly|dumb|foolish|amateur|boneheaded|inexcusable|unforgivable) (?:mistake|error|move)s?\b"),
    _blame(
        r"\b(?:fail(?:ed|ure)? to|did not|didn't) follow (?:the |our |any )?(?:\w+ )?"
        r"(?:process|procedures?|runbook|instructions|checklist|guidelines)\b"
    ),
    _blame(
        r"\b(?:asleep at the wheel|dropped the ball|lack of (?:care|diligence|discipline|common sense|competence)|"
        r"should(?:'ve| have) known better|what (?:was|were) (?:he|she|you|they) thinking|heads (?:will|must) roll|"
        r"who (?:broke|messed|screwed|caused|is to blame)|whose fault|nobody bothered|no one bothered)\b"
    ),
)


def _claim(pattern: str, swap: str | None = None, *, better: str = LIKELY, spared_after: str | None = _NEGATED) -> Rule:
    return rule(Concern.OVERCLAIM, pattern, better, swap, spared_after=spared_after)


_THINGS = "impact|effect|risk|harm|damage|danger|data loss|problems?|issues?"
_ENDS = r"(?=\s*(?:[.,;:!?)]|$|and\b|now\b|since\b))"
_AGAIN = "name what is being changed, and what it makes less likely"

OVERCLAIM = (
    _claim(
        r"\b(?:definitely|certainly|undoubtedly|unquestionably|without (?:a |any )?doubt|beyond (?:any |all )?doubt)\b",
        "most likely",
        spared_after=rf"\b(?:almost|nearly|near) $|{_NEGATED}",
    ),
    _claim(r"\bknow for (?:sure|certain|a fact)\b", "believe"),
    _claim(r"\bfor sure\b", spared_after=rf"\b(?:tell|say|know) $|{_NEGATED}"),
    _claim(r"\b100 ?(?:%|percent|per cent) (?:sure|certain|confident|positive)\b", "confident"),
    _claim(
        rf"\b100 ?(?:%|percent|per cent) (fixed|safe|resolved|solved|stable|secure)\b{_ENDS}",
        r"\1 as far as we measure",
    ),
    _claim(r"\b100 ?(?:%|percent|per cent) (?:fixed|safe|resolved|solved|secure|bug-free)\b"),
    _claim(r"\b(?:absolutely|completely|totally|entirely) (?:sure|certain|confident|positive)\b", "confident"),
    _claim(
        r"\b(?:will never|will not|won't|can never|cannot|can't|could never) (?:ever )?happen again\b",
        "should now be less likely to happen again",
        better=_AGAIN,
        spared_after=None,
    ),
    _claim(
        r"\bnever (?:happens?|fails?|breaks?|recurs?|see this) again\b|\bnever again\b",
        better=_AGAIN,
        spared_after=None,
    ),
    _claim(r"\b(we|I) (?:can |will )?guarantee (?=that|this|it|the|no)\b", r"\1 expect "),
    _claim(r"\b(?:we|I) (?:can |will |fully )?guarantee\b"),
    _claim(r"\bguaranteed to (work|succeed|hold|be (?:fixed|safe|resolved))\b", r"expected to \1"),
    _claim(r"\b(?:success|safety|recovery|a fix|the fix) is guaranteed\b"),
    _claim(r"\b(?:we|I) promise (?:that|you|to|it|this)\b"),
    _claim(rf"\b(?:absolutely )?no ({_THINGS}) (?:whatsoever|at all)\b", r"no known \1 so far", better=MEASURED),
    _claim(rf"\babsolutely no ({_THINGS})\b", r"no known \1", better=MEASURED),
    _claim(r"\bzero (risk|danger)\b", r"no known \1", better=MEASURED),
    _claim(r"\bzero (?:impact|chance)\b", better=MEASURED),
    _claim(
        r"\b(there is|there's|carries|poses) no risk\b(?! (?:assessment|register|score|model|of|that))",
        r"\1 no known risk",
        better=MEASURED,
    ),
    _claim(rf"\b(fixed|solved|resolved) (?:for good|once and for all|forever)\b{_ENDS}", r"\1 as far as we measure"),
    _claim(r"\b(?:fixed|solved|resolved) (?:for good|once and for all|forever)\b"),
    _claim(
        rf"\b(?:permanently|completely|totally|perfectly) (fixed|solved|resolved|safe|stable|healthy)\b{_ENDS}",
        r"\1 as far as we measure",
    ),
    _claim(r"\b(?:permanently|completely|totally) (?:fixed|solved|harmless)\b"),
    _claim(r"\bworks? (?:perfectly|flawlessly|like a charm)\b", better=MEASURED),
    _claim(
        r"\b(?:clearly|obviously|plainly|evidently)(?= (?:caused|due to|because of|responsible|the (?:root )?cause)\b)",
        "most likely",
    ),
    _claim(r"\bthe only possible (cause|explanation|reason)\b", r"the most likely \1"),
    _claim(r"\bcan(?:'t|not) possibly (?:fail|break|happen|be wrong|go wrong|recur)\b", spared_after=None),
    _claim(r"\bimpossible for (?:this|it|that) to (?:happen|recur|fail|break)\b"),
    _claim(r"\b(?:bullet-?proof|fool-?proof|idiot-?proof|rock[- ]solid|infallible|flawless(?:ly)?|unbreakable)\b"),
    _claim(
        r"\b(?:nothing to worry about|no need to worry|nothing can go wrong|rest assured|trust me|"
        r"everything is (?:fine|perfect|okay|under control))\b",
        better=MEASURED,
    ),
)


def _alarm(pattern: str, swap: str | None = None, *, spared_after: str | None = None) -> Rule:
    return rule(Concern.ALARM, pattern, FIGURES, swap, spared_after=spared_after)


_SIZES = "massive|huge|gigantic|monumental|colossal|enormous"
_LOSSES = "outage|failure|incident|impact|problem|issue|data loss|bug|regression|loss|losses|drop|breach"
_RISERS = (
    r"latency|latencies|error rates?|errors|traffic|load|costs?|queues?|memory|cpu|p\d\d|losses|false positives|"
    r"false negatives|complaints|tickets"
)

ALARM = (
    _alarm(r"\bcatastrophic\b(?! (?:forgetting|interference|backtracking|cancellation|loss model))", "serious"),
    _alarm(r"\bcatastrophically\b", "seriously"),
    _alarm(r"\bcatastrophes?\b(?! (?:models?|bonds?|insurance|losses|risk))"),
    _alarm(r"\bdisastrous\b", "serious"),
    _alarm(
        r"\bdisasters?\b(?![ -](?:recovery|plan\w*|response|relief|drills?|exercises?|tests?))",
        spared_after=r"\bnatural $",
    ),
    _alarm(
        r"\b(?:nightmare|apocalyp\w+|armageddon|carnage|bloodbath|train ?wreck|dumpster fire|shit ?show|horror show|"
        r"(?-i:meltdown))\b"
    ),
    _alarm(r"\b(?:horrif\w+|horribl[ey]|terribl[ey]|awful(?:ly)?|appalling(?:ly)?|atrocious(?:ly)?|dreadful(?:ly)?)\b"),
    _alarm(
        r"\b(?:panic mode|(?:don't|do not|no need to) panic|(?:everyone|everybody|people|users|customers|the team) "
        r"(?:is|are) panicking|in (?:a|full|total) panic(?! handler| hook))\b"
    ),
    _alarm(r"\b(?:is|are|was|were|everything|production|prod) on fire\b"),
    _alarm(rf"\b({_RISERS}) (has|have) exploded\b", r"\1 \2 risen sharply"),
    _alarm(rf"\b({_RISERS}) exploded\b", r"\1 rose sharply"),
    _alarm(r"\b(has|have|had) skyrocketed\b", r"\1 risen sharply"),
    _alarm(r"\bskyrocketed\b", "rose sharply"),
    _alarm(r"\bskyrocketing\b", "rising sharply"),
    _alarm(r"\b(has|have|had) plummeted\b", r"\1 fallen sharply"),
    _alarm(r"\bplummeted\b", "fell sharply"),
    _alarm(r"\bplummeting\b", "falling sharply"),
    _alarm(r"\btook a nosedive\b", "fell sharply"),
    _alarm(r"\bwent through the roof\b", "rose sharply"),
    _alarm(r"\b(?:completely|totally|utterly|hopelessly) (?:broken|dead|destroyed|ruined|useless|wrecked)\b"),
    _alarm(r"\beverything is (?:broken|dead|lost|burning)\b|\bnothing works\b|\ball hell\b|\bthe sky is falling\b"),
    _alarm(rf"\ban enormous ({_LOSSES})\b", r"a large \1"),
    _alarm(rf"\b(?:{_SIZES}) ({_LOSSES})\b", r"large \1"),
    _alarm(r"\b(?:utter|complete|absolute|total) (?:chaos|mess|collapse|catastrophe|disaster|failure(?![ -]rate))\b"),
    _alarm(r"\bworst (?:\w+ )?(?:ever|in history|imaginable)\b"),
    _alarm(
        r"\b(?:we|users|customers|everyone) (?:are|is) (?:screwed|doomed|toast)\b|\bwe're (?:screwed|doomed|toast)\b"
    ),
    _alarm(r"\b(?:wtf|omg|fuck\w*|shit\w*|crap(?:py)?|goddamn)\b"),
    _alarm(r"(?<=[\w)\]\"'])!{2,}", "."),
)

RULES = (*BLAME, *OVERCLAIM, *ALARM)
