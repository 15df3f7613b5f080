"""Words that promise more than anybody can know yet, and words that frighten."""

from __future__ import annotations

from bot.domain.wording_rules import FIGURES, LIKELY, MEASURED, NEGATED, Concern, Rule, rule


def _claim(pattern: str, swap: str | None = None, *, better: str = LIKELY, spared_after: str | None = NEGATED) -> Rule:
    return rule(Concern.OVERCLAIM, pattern, better, swap, spared_after=spared_after)


_THINGS = "impact|effect|risk|harm|damage|danger|data loss|problems?|issues?"
_ENDS = r"(?=\s*(?:[.,;:!?)]|$|and\b|now\b|since\b))"
_AGAIN = "name what is being changed, and what it makes less likely"

OVERCLAIM = (
    _claim(
        r"\b(?:definitely|certainly|undoubtedly|unquestionably|without (?:a |any )?doubt|beyond (?:any |all )?doubt)\b",
        "most likely",
        spared_after=rf"\b(?:almost|nearly|near) $|{NEGATED}",
    ),
    _claim(r"\bknow for (?:sure|certain|a fact)\b", "believe"),
    _claim(r"\b(we are|I am) (?:sure|certain)\b", r"\1 confident"),
    _claim(r"\b(?:I am|we are) positive (?:that|it|this)\b|\byou can be (?:sure|certain)\b"),
    _claim(r"\b(?:zero|no) doubt\b", spared_after=None),
    _claim(r"\babsolutely (?:nothing|nobody|no one|never|everything)\b", better=MEASURED),
    _claim(r"\b(?:nothing|none) [\w ]{0,20}will (?:ever )?happen again\b", better=_AGAIN),
    _claim(r"\bthere is no way (?:this|that|it|any|users?|customers?)\b"),
    _claim(r"\bonce and for all\b|\bworks? 100 ?(?:%|percent)(?! of)|\b(?:is|are) (?:now|again) perfect\b"),
    _claim(r"\bcompletely (?:solves?|fixes)\b|\b(?:solves?|fixes) (?:it|this|that|the \w+) completely\b"),
    _claim(r"\bfor sure\b", spared_after=rf"\b(?:tell|say|know) $|{NEGATED}"),
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
        r"\bdisaster\b(?![ -](?:recovery|plan\w*|response|relief|drills?|exercises?|tests?))",
        spared_after=r"\bnatural $",
    ),
    _alarm(
        r"\b(?:nightmare|apocalyp\w+|armageddon|carnage|bloodbath|train ?wreck|dumpster fire|shit ?show|horror show|"
        r"(?-i:meltdown))\b"
    ),
    _alarm(
        r"\b(?:horrif\w+|horribl[ey]|terribl[ey]|awful(?:ly)?|appalling(?:ly)?|atrocious(?:ly)?|dreadful(?:ly)?|terrifying|"
        r"frightening|scary|abysmal|devastating|insane(?:ly)?)\b"
    ),
    _alarm(
        r"\b(?:(?:don't|do not|no need to) panic|(?:everyone|everybody|people|users|customers|the team) "
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
    _alarm(r"\b(?:everything is (?:broken|dead|lost|burning|exploding)|nothing works|all hell|the sky is falling)\b"),
    _alarm(rf"\ban enormous ({_LOSSES})\b", r"a large \1"),
    _alarm(rf"\b(?:{_SIZES}) ({_LOSSES})\b", r"large \1"),
    _alarm(r"\b(?:utter|complete|absolute|total) (?:chaos|mess|collapse|catastrophe|disaster|failure(?![ -]rate))\b"),
    _alarm(r"\bworst (?:\w+ )?(?:ever|in history|imaginable|(?:that )?we (?:have )?(?:ever )?(?:had|seen))\b"),
    _alarm(r"\bwent (?:insane|crazy|mad|nuts|haywire|berserk)\b|\b(?:we|users|customers) lost everything\b"),
    _alarm(r"\b(?:it is|it's|there is|pure) chaos\b|\boh my god\b"),
    _alarm(r"\b(?:users|customers|clients|people) are (?:furious|outraged|screaming|freaking out)\b"),
    _alarm(r"\b(?:site|service|model|system|checkout|api|platform) is dead\b"),
    _alarm(
        r"\b(?:we|users|customers|everyone) (?:are|is) (?:screwed|doomed|toast)\b|\bwe're (?:screwed|doomed|toast)\b"
    ),
    _alarm(r"\b(?:wtf|omg|fuck\w*|shit\w*|crap(?:py)?|goddamn)\b"),
    _alarm(r"(?<=[\w)\]\"'])!{2,}", "."),
)
