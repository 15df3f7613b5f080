"""The phrases by which people promise, ask, decide, hedge, agree, decline, correct and cancel, in English."""

from __future__ import annotations

import re

from handlers.hearing.directory import HANDLE, MAIL, MENTION, TITLE, WORD

_I = re.IGNORECASE

LEAD_IN = (
    r"(?:(?:and|but|so|then|also|ok|okay|k|yes|yeah|yep|no|well|right|great|good|fine|thanks|thx|sure|cool|nice|perfect"
    r"|uh|um|uhm|hm+|oh|ah|now|anyway|alright|please|hey|hi|plus|btw|fyi)\b[\s,.!:-]*){0,4}"
)

NO_PROMISE = (
    r"(?!\s*(?:not|never|no longer|be\s+(?!done|ready|finished|through|reviewing|sending|checking|fixing|writing|able)"
    r"|see\b|sleep|cry|eat\b|miss\b|know|think|guess|admit|say\b|bet|love|like\b|hate|pretend|go home"
    r"|have (?:lunch|dinner|a (?:beer|coffee|drink))|probably never|believe|wait\b|stay|remember|understand|need\b"
    r"|assume|imagine|watch (?:it|the (?:game|match|movie))|get (?:back to sleep|coffee|lunch|it\b)"
    r"|(?:leave|go)\s+(?:by|at|in|now|early|soon)\b|ask you|tell you|be honest)\b)"
)

TALK = re.compile(
    r"(?:just\s+|quickly\s+|also\s+|now\s+|actually\s+|briefly\s+)*(?:talk|present|discuss|show|explain|highlight|mention|speak|note|repeat"
    r"|go\s+(?:over|back|through|into|ahead|first|either)|start\s+(?:with|by|off)|walk|state|bring\s+you|answer|stop|address|hand"
    r"|pass|turn|leave\s+it|move\s+on|jump|skip|give\s+(?:you\s+)?(?:some|a|an|the)|elaborate|respond|summarize|read|clarify|point"
    r"|use\s+this|be\s+brief|let\s+you|defer|try\s+to\s+(?:explain|answer)|share\s+(?:my|the)\s+(?:screen|slides))\b",
    _I,
)
"""What people say that they will say: a promise only where they say until when."""

FIRST_PERSON = re.compile(
    r"(?:\b(?:i['’]ll|i\s+will|i\s+shall|i['’]m\s+going\s+to|i\s+am\s+going\s+to|im\s+going\s+to|i['’]?m\s+gonna|i\s+am\s+gonna"
    r"|i\s+gonna|let\s+me|i\s+can|i\s+need\s+to|i\s+have\s+to|i\s+must|i['’]ve\s+got\s+to|i\s+gotta|i\s+promise\s+to)"
    r"|(?:^|[,;:.!-]\s*|\b(?:and|then|ok|so|but|k)\s+)ill(?!\s+(?:at|with|for|and|or|since|from|today|as|again|people)\b))"
    rf"\s+(?P<rest>{NO_PROMISE}\S.*)",
    _I | re.DOTALL,
)
ELIDED = re.compile(
    rf"^{LEAD_IN}(?:will|gonna|going\s+to)\s+(?!do\b|you\b|u\b|we\b|it\b|this\b|that\b|the\b|he\b|she\b|they\b|be\b|not\b|a\b"
    r"|someone\b|somebody\b|anyone\b|there\b)(?P<rest>\S.*)",
    _I | re.DOTALL,
)
PROGRESSIVE = re.compile(
    r"\b(?:i['’]?m|i\s+am|we['’]re)\s+(?:also\s+|now\s+|already\s+|just\s+)?"
    r"(?P<rest>(?!hoping|thinking|wondering|waiting|seeing|leaving|trying|going|being|having|getting|not"
    r"|looking forward|afraid|telling|assuming|guessing)\w{2,}ing\b.*|on\s+(?:it|that|this)\b.*)",
    _I | re.DOTALL,
)
PLAIN_PRESENT = re.compile(
    r"\bi\s+(?:am\s+|also\s+|then\s+)?(?P<rest>(?:make|do|send|write|check|fix|prepare|inform|call|test|deploy|update|finish"
    r"|review|run|rerun|start|restart|upload|add|change|take|put|set|clean|move|ask|give|bring|deliver|provide|verify|look"
    r"|build|rebuild|close|open|create|document|implement|merge|publish|contact|schedule|repair|collect)\b.*)",
    _I | re.DOTALL,
)
TO_ME = re.compile(r"\bleave\s+(?P<rest>.{3,80}?)\s+to\s+me\b(?P<more>.*)", _I | re.DOTALL)

PERSON = rf"(?P<who>{MENTION}|{HANDLE}|{MAIL}|(?:{TITLE})?{WORD}(?:\s+{WORD})?)"
THIRD_PERSON = re.compile(
    rf"(?<![\w@<]){PERSON}(?:\s+(?:also|then|now))?(?:(?:\s+is|['’]s)\s+(?:going\s+to|gonna)|\s+(?P<strong>will|shall|is\s+to|gonna|(?:has\s+)?(?:volunteered|agreed|offered|committed)\s+to|owns|needs?\s+to|ha(?:s|ve)\s+to"
    rf"|must|should|takes\s+care\s+of|takes)|(?P<short>['’]ll))\s+(?:also\s+)?(?P<rest>{NO_PROMISE}\S.*)",
    _I | re.DOTALL,
)
NAME_TO = re.compile(rf"^{LEAD_IN}{PERSON}\s+to\s+(?P<rest>\S.*)", _I | re.DOTALL)
NAME_MARK = re.compile(
    rf"^(?:\(\s*)?(?P<who>{MENTION}|{HANDLE}|{MAIL}|(?:{TITLE})?{WORD}(?:\s+{WORD})?)"
    r"(?:\s*\)\s*|\s*(?::|->|→|=>|—|–|-)\s+|\s*,\s+)(?P<rest>\S.*)",
    _I | re.DOTALL,
)
NAME_PRESENT = re.compile(
    rf"^(?P<who>{MENTION}|{HANDLE}|{MAIL}|{WORD}(?:\s+{WORD})?)\s+(?P<rest>[a-z]{{2,}}s\s+\S.*)", re.DOTALL
)

NOT_PEOPLE = frozenset(
    """i it this that they we you he she everyone everybody nobody somebody someone anyone anybody there who what which
    the a an and but so then please support team engineering product legal finance marketing infra ops customer vendor
    next nothing something everything one all both each these those here now how when where why if as or not our my your
    their his her its need want like back up order due action decision today tomorrow tonight monday tuesday wednesday
    thursday friday saturday sunday release model canary rollback dashboard index job pipeline service data deploy
    report fix alert number numbers score scores board meeting going able ready have had has is was to""".split()  # noqa: SIM905
)

REQUEST = re.compile(
    r"\b(?:can|could|would|will)\s+(?:you|u)\b|\bplease\b|\bpls\b|\bplz\b|\byou(?:['’]ll|\s+will)?\s+(?:take|do|handle|own|write|check|run|send|fix|restart|prepare)\b"
    r"|\b(?:do|would)\s+you\s+mind\b|\bmay\s+i\s+ask\s+you\b|\bi\s+need\s+you\s+to\b",
    _I,
)
ANYBODY = re.compile(r"\b(?:can|could|would|will)\s+(?:someone|somebody|anyone|anybody)\b", _I)

UNOWNED = re.compile(
    r"\b(?:some(?:one|body)|any(?:one|body)|we|one\s+of\s+us)\s+(?:else\s+)?(?:really\s+|also\s+|probably\s+|maybe\s+)?"
    r"(?:should|shud|could|ought\s+to|might\s+want\s+to|needs?\s+to|ha(?:s|ve)\s+to|must)\s+(?:also\s+|really\s+)?(?P<rest>\S.*)",
    _I | re.DOTALL,
)
NEEDED = re.compile(rf"\b(?:i|we)\s+(?:need|want)\s+{PERSON}\s+to\s+(?P<rest>\S.*)", _I | re.DOTALL)
PASSIVE = re.compile(r"\b(?:should|must|needs?\s+to|ha(?:s|ve)\s+to)\s+be\s+\w+(?:ed|en|t|ne|de)\b.*", _I | re.DOTALL)
WE_WILL = re.compile(
    r"\bwe(?:['’]ll|\s+will|\s+are\s+going\s+to|['’]re\s+going\s+to)\s+(?P<rest>(?!not\b|see\b|be\b)\S.*)",
    _I | re.DOTALL,
)

HEDGE = re.compile(
    r"\b(?:maybe|perhaps|might|may(?!\s+\d)|probably|prolly|possibly|could|hopefully|hope\s+to|try\s+to|i\s+think|i\s+guess"
    r"|not\s+sure|if\s+possible|ideally|some\s?day|eventually|at\s+some\s+point|thinking\s+(?:about|of)|considering|would\s+like)\b",
    _I,
)
CONDITION = re.compile(
    r"\b(?:if|unless|in\s+case|whenever|as\s+soon\s+as|once|assuming|suppose|supposing|provided\s+that|when|would|i['’]d"
    r"|otherwise|or\s+else)\b",
    _I,
)
REPORTED = re.compile(
    r"\b(?:said|says|told|tells|wrote|promised|claims?|claimed|mentioned|thinks|thought|was\s+asked|were\s+asked|had"
    r"|supposed|expected|asked\s+(?:if|whether)|that\s+he|that\s+she|that\s+they)\b",
    _I,
)
DENIED = re.compile(
    r"\b(?:doubt|don['’]?t\s+(?:think|know)|do\s+not\s+(?:think|know)|no\s+way|never|wonder|unlikely|forgot)\b", _I
)
BROKEN_OFF = re.compile(r"(?:--+|—|\.\.\.|…)[\"')]*\s*$")
JOKE = re.compile(
    r"(?:\b(?:lol|haha\w*|hehe|rofl|lmao|jk|just\s+kidding|kidding|joking|pigs\s+fly|eat\s+my\s+hat)\b|[😂🤣]|:joy:)",
    _I,
)

ACCEPT = re.compile(
    r"^\W*(?:(?:yes|yep|yup|yeah|yea|ya|sure(?:\s+thing)?|ok|okay|k|kk|will\s+do|of\s+course|on\s+it|doing\s+it|done|roger"
    r"|np|no\s+problem|no\s+worries|absolutely|certainly|alright|gladly|can\s+do|fine|copy|ack|got\s+it|with\s+pleasure|happy\s+to|glad\s+to"
    r"|i['’]m\s+on\s+it|my\s+pleasure|definitely|you\s+got\s+it|consider\s+it\s+done|i\s+can|i\s+will)\b"
    r"|(?:i['’]ll|i\s+will|let\s+me|i\s+can|i)\s+(?:take|do|handle|own)\s+(?:it|that|this|care\s+of\s+(?:it|that))\b"
    r"|[👍✅🙏👌]|:\+1:|:thumbsup:|:white_check_mark:|:ok_hand:|\+1)",
    _I,
)
DECLINE = re.compile(
    r"^\W*(?:no\b|nope\b|nah?\b|sorry\b|can['’]?t\b|cannot\b|i\s+can['’]?t|i\s+cannot|not\s+(?:me|today|now|sure)|i\s+don['’]?t\s+know"
    r"|i['’]m\s+(?:out|off|busy|on\s+leave|on\s+vacation)|i\s+have\s+no\s+time|unfortunately)",
    _I,
)
BUT = re.compile(r"\b(?:can['’]?t|cannot|won['’]?t|but\s+not|no\s+time|don['’]?t)\b", _I)
TAKE_OVER = re.compile(
    r"\b(?:let\s+me|i['’]ll|i\s+will|i\s+can)\s+(?:take|do|handle|own)\s+(?:that|it|this)(?:\s+one)?\b(?!\s+(?:by|before|until)\b)",
    _I,
)

CORRECT = re.compile(
    r"^\W*(?:(?:uh+|um+|oh|ah|hm+|sorry|wait|actually)[\s,.-]*){0,3}(?:(?:no|nope|correction|make\s+(?:that|it)|i\s+meant?|rather"
    r"|better|sorry|actually|wait)\b[\s,:.-]*){1,3}(?:make\s+(?:that|it)\s+)?(?P<rest>.{0,60})",
    _I | re.DOTALL,
)
CORRECTED = re.compile(
    r"\s*(?:$|[,.;!)–-]|(?:then|instead|please|works|it\s+is|is\s+better|is\s+fine|at\s+the\s+latest|sorry|not\b|i\s+mean)\b)",
    _I,
)
"""What may follow the due date of a correction; "wait, Friday is a holiday" is none."""
CORRECT_INSIDE = re.compile(
    r"\b(?:sorry|i\s+mean|i\s+meant|no\s+wait|wait|no|rather|make\s+that|actually|better)\b", _I
)
CANCEL = re.compile(
    r"\b(?:scratch\s+(?:that|it)|never\s?mind(?!\s+the\b)|cancel\s+(?:that|it|this)|forget\s+(?:that|it|about\s+(?:it|that))"
    r"|(?:not|no\s+longer)\s+needed(?:\s+any\s?more)?|no\s+need\s+any\s?more|strike\s+that|don['’]?t\s+bother|drop\s+that\s+one)\b",
    _I,
)
LATER_DUE = re.compile(
    r"^\W*(?:need(?:ed)?\b|due\b|by\b|deadline|latest|until|eta\b|should\s+be|will\s+be|you(?:['’]ll|\s+will)\s+have|done\b"
    r"|ready\b|before\b|i\s+need\s+(?:it|them|that|this)\b)",
    _I,
)
