"""Expressions: what they give, what they refuse, and that no payload gets out of them."""

from __future__ import annotations

from typing import Any

import pytest

from bot.adapters.expressions import SandboxedExpressions, references
from bot.domain.errors import ConfigError, StepFailed

FACTS: dict[str, Any] = {
    "service": "fraud",
    "environment": "production",
    "release": {"incumbent": "41", "candidate": "42", "count": 3, "share": 0.5, "items": ["a", "b"]},
    "target": {"deployer": "http://127.0.0.1:1"},
    "alert": {"labels": {"hostile": "{{ 7 * 7 }}", "upper": "x"}},
    "steps": {"first": {"output": {"body": {"id": 7}}}, "two-words": {"output": {"x": 1}}},
    "nothing": None,
}


class KnownSecrets:
    """Secrets of a test, by name."""

    def __init__(self, **values: str) -> None:
        self.values = values

    def get(self, name: str) -> str:
        if name not in self.values:
            raise ConfigError(f"There is no secret {name}")
        return self.values[name]

    def redact(self, text: str) -> str:
        return text


EXPRESSIONS = SandboxedExpressions(KnownSecrets(TOKEN="s3cr3t-value"))


def fill(value: Any, **more: Any) -> Any:
    return EXPRESSIONS.fill(value, {**FACTS, **more}, secrets=True)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("{{ service }}", "fraud"),
        ("{{ release.count }}", 3),
        ("{{ release.count + 1 }}", 4),
        ("{{ release.share }}", 0.5),
        ("{{ release['items'] }}", ["a", "b"]),
        ("{{ release.count == 3 }}", True),
        ("{{ nothing }}", None),
        ("{{ {'a': release.count} }}", {"a": 3}),
        ("{{ steps.first.output.body }}", {"id": 7}),
        ("{{ steps['two-words'].output.x }}", 1),
        ("{{ 'a' if release.count > 2 else 'b' }}", "a"),
        ("n={{ release.count }} {{ release.count > 5 }}", "n=3 false"),
        ("{{ service }} ", "fraud "),
        ("{{ release['items'] | tojson }}!", '["a", "b"]!'),
        ("{{ release.absent | default('d') }}", "d"),
        ("{{ release.absent is defined }}", False),
        ("{{ service | upper | replace('A', 'Å') }}", "FRÅUD"),
        ("{{ 'a b/c' | urlencode }}", "a%20b%2Fc"),
        ("{{ '12' | int + 1 }}", 13),
        ("{{ '1.26' | float | round(1) }}", 1.3),
        ("{{ release['items'] | join('-') }}", "a-b"),
        ("{{ release['items'] | length }}", 2),
        ("{{ release['items'] | first }}{{ release['items'] | last }}", "ab"),
        ("Bearer {{ secret('TOKEN') }}", "Bearer s3cr3t-value"),
    ],
)
def test_an_expression_gives_its_value(text: str, value: Any) -> None:
    found = fill(text)
    assert found == value
    assert type(found) is type(value)


def test_maps_and_lists_are_filled_but_their_keys_are_not() -> None:
    assert fill({"{{ service }}": ["{{ service }}", {"a": "{{ release.count }}"}, 1, None, True]}) == {
        "{{ service }}": ["fraud", {"a": 3}, 1, None, True]
    }


def test_what_facts_hold_is_never_a_template() -> None:
    assert fill("{{ alert.labels.hostile }}") == "{{ 7 * 7 }}"
    assert fill("x {{ alert.labels.hostile }}") == "x {{ 7 * 7 }}"


def test_secrets_are_hidden_unless_they_are_wanted() -> None:
    assert EXPRESSIONS.fill("Bearer {{ secret('TOKEN') }}", FACTS, secrets=False) == "Bearer ***"
    assert EXPRESSIONS.fill("{{ secret('ABSENT') }}", FACTS, secrets=False) == "***"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("{{ relaese.incumbent }}", "'relaese' is undefined"),
        ("{{ release.incumbnet }}", "'incumbnet' is not there; there is: incumbent, candidate, count"),
        ("{{ release.absent.deeper }}", "'absent' is not there"),
        ("{{ steps.later.output.x }}", "'later' is not there"),
        ("{{ service.name }}", "'name' is not there: this is no map"),
        ("a {{ nothing }}", "it is null inside a text"),
        ("a {{ release }}", "add | tojson"),
        ("{{ secret('ABSENT') }}", "There is no secret ABSENT"),
        ("{{ 1 / 0 }}", "do not fit together"),
        ("{{ release.count + service }}", "works on numbers"),
        ("{{ 'x' | int }}", "takes a whole number"),
        ("{{ release['items'][9] }}", "there is no item 9"),
    ],
)
def test_what_cannot_be_filled_fails_the_step_and_names_the_expression(text: str, part: str) -> None:
    with pytest.raises(StepFailed) as failed:
        fill(text)
    assert part in str(failed.value)
    assert text[text.index("{{") :].split("}}", maxsplit=1)[0].strip("{ ")[:8] in str(failed.value)
    assert "\n" not in str(failed.value)


@pytest.mark.parametrize(
    "text",
    [
        "{{ secret('TOKEN') | int }}",
        "{{ secret('TOKEN') + 1 }}",
        "{{ secret('TOKEN').x }}",
        "{{ secret('TOKEN')[99] }}",
    ],
)
def test_an_error_never_quotes_a_secret(text: str) -> None:
    with pytest.raises(StepFailed) as failed:
        fill(text)
    assert "s3cr3t" not in str(failed.value)


PAYLOADS = [
    "{{ ''.__class__ }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ''['__class__'] }}",
    "{{ ''['__cla' ~ 'ss__'] }}",
    "{{ ''['__cla' + 'ss__']['__mro__'] }}",
    "{{ service['__class__'] }}",
    "{{ service|attr('__class__') }}",
    "{{ service|attr('\\x5f\\x5fclass\\x5f\\x5f') }}",
    "{{ [].__class__.__base__ }}",
    "{{ {}.__class__ }}",
    "{{ ().__class__.__bases__[0] }}",
    "{{ self.__init__.__globals__ }}",
    "{{ self }}",
    "{{ self._TemplateReference__context }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ joiner.__init__.__globals__ }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "{{ lipsum() }}",
    "{{ range(99999) }}",
    "{{ dict(a=1) }}",
    "{{ config }}",
    "{{ request.application.__globals__ }}",
    "{{ url_for.__globals__ }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{{ ''.format }}",
    "{{ '{0.__class__}'.format(1) }}",
    "{{ '{0.__class__}'.format_map({'0': 1}) }}",
    "{{ '%s'|format(service) }}",
    "{{ service.upper() }}",
    "{{ release.keys() }}",
    "{{ release.items() }}",
    "{{ release.update({'a': 1}) }}",
    "{{ [].append(1) }}",
    "{{ secret }}",
    "{{ secret.__self__ }}",
    "{{ secret.__func__.__globals__ }}",
    "{{ secret(service) }}",
    "{{ secret(*['TOKEN']) }}",
    "{{ secret('TO' ~ 'KEN') }}",
    "{{ release|map(attribute='__class__')|list }}",
    "{{ [1]|map('attr', '__class__')|list }}",
    "{{ release|xmlattr }}",
    "{{ service|pprint }}",
    "{{ release|items }}",
    "{{ 'a' is callable }}",
    "{{ 'a' is filter }}",
    "{{ __builtins__ }}",
    "{{ __import__('os') }}",
    "{{ _context }}",
    "{{ caller() }}",
    "{{ super() }}",
    "{{ loop }}",
    "{{ varargs }}",
    "{% set x = 1 %}",
    "{% for x in [1] %}{{ x }}{% endfor %}",
    "{% import 'os' as os %}",
    "{% include '/etc/passwd' %}",
    "{% extends 'x' %}",
    "{% macro m() %}{% endmacro %}{{ m.__globals__ }}",
    "{% raw %}{{ x }}{% endraw %}",
    "{# comment #}",
    "{{ 9**9**9**9 }}",
    "{{ 'a' * 1000000000 }}",
    "{{ [1] * 1000000000 }}",
    "{{ 999999999999999 * 999999999999999 * 999999999999999 }}",
    "{{ '%999999999d' % 1 }}",
    "{{ ('a' | replace('', 'b')) }}",
    "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "{{ " + "not " * 3000 + "1 }}",
    "{{ " + "[" * 3000 + "]" * 3000 + " }}",
    "{{ x" * 500,
    "{{ }}",
    "{{ 1 }",
    "{{ 1, 2 }}",
]


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_no_payload_gets_anything_out_of_the_sandbox(payload: str) -> None:
    with pytest.raises(StepFailed) as refused:
        fill(payload)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 600


def test_a_filter_cannot_make_much_out_of_little() -> None:
    text = "{{ " + "'" + "a" * 1000 + "'" + "|replace('a', 'aaaaaaaaaa')" * 6 + " }}"
    with pytest.raises(StepFailed, match="64 KiB"):
        fill(text)


def test_what_comes_out_is_limited_as_a_whole() -> None:
    with pytest.raises(StepFailed, match="64 KiB"):
        fill(["{{ service }}"] * 2, service="x" * 40_000)
    assert len(fill(["{{ service }}"], service="x" * 40_000)[0]) == 40_000


def test_a_text_with_expressions_has_a_longest_length() -> None:
    with pytest.raises(StepFailed, match="16,000 characters"):
        fill("{{ service }}" + "x" * 16_000)


def test_references_name_what_a_value_reads() -> None:
    value = {
        "url": "{{ target.deployer }}/{{ service | default(environment) }}",
        "headers": ["{{ secret('TOKEN') }}", "{{ steps.first.output.body.id }}{{ steps['two-words'].status }}"],
    }
    found = references(value)
    assert found.variables == {"target", "service", "environment", "steps"}
    assert found.steps == {"first", "two-words"}
    assert found.secrets == {"TOKEN"}
    assert found.targets == {"deployer"}


def test_steps_are_read_by_name_only() -> None:
    for text in ("{{ steps }}", "{{ steps[service] }}", "{{ steps | tojson }}"):
        with pytest.raises(ValueError, match=r"steps\.<id>\.output"):
            references(text)


def test_the_beginning_of_a_text_is_filled_as_far_as_facts_go() -> None:
    text = "{{ target.deployer }}/x/{{ steps.later.output.id }}/y"
    assert EXPRESSIONS.beginning(text, {"target": FACTS["target"]}) == ("http://127.0.0.1:1/x/", False)
    assert EXPRESSIONS.beginning("a{{ service }}", FACTS) == ("afraud", True)
