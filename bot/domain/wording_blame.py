"""Words about a person where the system is meant. A person has to be the subject: what a deploy broke may be said."""

from __future__ import annotations

import re
from collections.abc import Collection

from bot.domain.wording_rules import NEGATED, SYSTEM, Concern, Rule, rule

ROLES = (
    "engineer(?: on call)?|developer|dev|programmer|coder|on-?call|intern|contractor|reviewer|approver|author|"
    "committer|data scientist|scientist|analyst|dba|sre|sysadmin|junior|colleague|teammate|guy|person|product manager"
)
PERSON = (
    rf"(?:he|she|you|someone|somebody|whoever|(?:the|our|an?|another|that|this) (?:[\w-]+ ){{0,2}}?(?:{ROLES})s?|"
    r"you guys|(?:the|our|your) (?:[\w-]+ ){0,2}?team|@[a-z][\w.-]*|<@\w+>)"
)
_HINDSIGHT = "checked|tested|known|noticed|caught|read|asked|waited|reviewed|verified|looked|reverted|thought|told|seen"
_DEEDS = (
    r"broke|caused|crashed|ruined|wrecked|botched|bungled|blew up|overlooked|ignored|failed to|forgot|neglected|"
    r"(?:messed|screwed|fucked)(?: \w+)? up|missed (?:the|this|that|it|an?|every|all|both)|dropped the ball|"
    r"let (?:us|everyone|everybody|the team) down|(?:took|brought) "
    r"(?:down (?:prod|production|the (?:service|site|api|database|cluster|model|platform|pipeline))|"
    r"(?:prod|production|it|everything|the \w+(?: \w+)?) (?:down|offline))|"
    r"(?:didn't|did not) (?:bother|check|test|read|notice|look|verify|review|follow|think|pay attention|care)|"
    r"never (?:checked|tested|read|reviewed|verified|bothered|looked|runs?|ran|looks?|checks?|tests?|reads?)|"
    r"could have prevented|keeps? (?:on )?breaking|always breaks?|(?:does not|doesn't|do not|don't) care about|"
    r"(?:was|were) (?:asleep|sleeping)|(?:accidentally|mistakenly|wrongly) \w+|"
    rf"should(?:n't| not|n't even)? have (?:{_HINDSIGHT})|should(?:n't| not) have (?:touched|deployed|merged|pushed)|"
    r"(?:deleted|pushed|deployed|merged|ran|dropped|changed|edited) the wrong|"
    r"(?:is|are|was|were|got) (?:too |so |very |just |being )?(?:lazy|dumb|foolish|inexperienced|unqualified|at fault)|"
    r"(?:is|are|was|were) (?:\w+ )?to blame"
)
_HUMAN_DEEDS = (
    r"forgot to|neglected to|(?:didn't|did not) bother|screwed (?:\w+ )?up|dropped the ball|"
    r"(?:was|is) (?:too |so |very )?(?:careless|lazy|negligent)"
)
_CLAUSE_ENDS = r"(?=\s*(?:[.,;:!?)]|$)|\s+(?:who|and|in|on|at|after|when|let|which|cost)\b)"
"""Behind a person: `caused by the developer portal` is about a portal."""

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


def about(people: Collection[str]) -> tuple[Rule, ...]:
    """Rules for people who are known by name; their names are read with their capital letters."""
    names = "|".join(sorted((re.escape(name.strip()) for name in people if name.strip()), key=len, reverse=True))
    if not names:
        return ()
    named = rf"(?<![\w.])(?-i:{names})"
    return (
        _blame(rf"{named} {_ADVERB}(?:{_DEEDS})\b", spared_after=None),
        _blame(rf"{named}'s? (?:own )?(?:{_FAULT})\b{_NOT_A_FAULT}"),
        _blame(rf"\b(?:caused|broken|botched|ruined|crashed) by {named}\b(?!')", spared_after=NEGATED),
        _blame(rf"\bblam(?:e|ed|es|ing) {named}\b", spared_after=rf"\bgit $|{NEGATED}"),
    )


def _blame(pattern: str, *, spared_after: str | None = None, swap: str | None = None, better: str = SYSTEM) -> Rule:
    return rule(Concern.BLAME, pattern, better, swap, spared_after=spared_after)


_NOT_A_RATE = r"(?![ -](?:rates?|levels?|baselines?|bars?|codes?|counts?|messages?|performance))"

BLAME = (
    _blame(
        rf"\b(by|to|was|is|of|from|as)(?: an?)? (?:human|user) error\b{_NOT_A_RATE}",
        swap=r"\1 an unguarded manual step",
        spared_after=NEGATED,
    ),
    _blame(rf"\bhuman errors?\b{_NOT_A_RATE}", spared_after=rf"\bno $|{NEGATED}"),
    _blame(rf"(?<![@\w]){PERSON} {_ADVERB}(?:{_DEEDS})\b", spared_after=r"\bin case $"),
    _blame(rf"(?<![\w.-]){_NAME} {_ADVERB}(?:{_HUMAN_DEEDS})\b"),
    _blame(rf"\b(?:your|his|her|my|their) (?:own )?(?:{_FAULT})\b{_NOT_A_FAULT}", spared_after=NEGATED),
    _blame(rf"\b(?:the|our) (?:[\w-]+ ){{0,2}}?(?:{ROLES}|team)'s (?:own )?(?:{_FAULT})\b{_NOT_A_FAULT}"),
    _blame(rf"\b(?:the|our) (?:vendor|supplier|customer|user|client|partner)s?'s? (?:own )?fault\b{_NOT_A_FAULT}"),
    _blame(rf"(?<![\w.-]){_NAME}'s (?:own )?(?:negligence|carelessness|incompetence|sloppiness|mistake)\b"),
    _blame(rf"\b(?:was|is) {_NAME}'s (?:own )?fault\b{_NOT_A_FAULT}", spared_after=NEGATED),
    _blame(
        r"\b(?:fault|mistake|negligence|oversight|error)s? (?:(?:was|were) )?(?:made )?(?:of|by) "
        rf"(?!you\b|he\b|she\b){PERSON}{_CLAUSE_ENDS}"
    ),
    _blame(rf"\b(?:caused|broken|botched|ruined) by (?!you\b|he\b|she\b)(?:him|her|{PERSON}){_CLAUSE_ENDS}"),
    _blame(rf"\bblam(?:e|ed|es|ing) (?:him|her|them|{PERSON})\b", spared_after=rf"\bgit $|\bto $|{NEGATED}"),
    _blame(
        r"\b(?:careless(?:ly|ness)?|incompetent(?:ly)?|incompetence|negligent(?:ly)?|negligence|idiot(?:s|ic)?|moronic|"
        r"stupid(?:ly|ity)?|clueless|reckless(?:ly|ness)?|sloppy(?! quorums?| phrases?)|sloppiness|amateurish)\b",
        spared_after=NEGATED,
    ),
    _blame(r"\b(?:rookie|silly|dumb|foolish|amateur|boneheaded|inexcusable|unforgivable) (?:mistake|error|move)s?\b"),
    _blame(
        r"\b(?:fail(?:ed|ure)? to|did not|didn't) follow (?:the |our |any )?(?:\w+ )?"
        r"(?:process|procedures?|runbook|instructions|checklist|guidelines)\b"
    ),
    _blame(
        r"\b(?:asleep at the wheel|dropped the ball|lack of (?:care|diligence|discipline|common sense|competence)|"
        r"should(?:'ve| have) known better|what (?:was|were) (?:he|she|you|they) thinking|heads (?:will|must) roll|"
        r"who (?:broke|messed|screwed|caused|is to blame)|whose fault|nobody bothered|no one bothered|"
        r"whoever (?:merged|pushed|deployed|wrote|approved|did) (?:this|that|it)|"
        r"this (?:one )?is on (?:you|him|her|them)|"
        r"why (?:didn't (?:you|he|she)|did (?:you|he|she) not|did nobody (?:check|notice|test|look|see))|"
        r"(?:they|he|she|you) (?:did not|didn't|never) (?:tell|told|ask|asked|inform|informed) (?:us|me|any\w+)|"
        rf"if (?:he|she|you|they|someone|somebody) had (?:only )?(?:{_HINDSIGHT}|followed|listened))\b"
    ),
    _blame(r"\b(?:nobody|no one) [\w ]{0,30}knows what (?:they are|he is|she is|you are) doing\b"),
)
