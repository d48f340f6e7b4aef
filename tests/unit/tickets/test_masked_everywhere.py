"""What was found in an exchange is readable nowhere in its ticket, however it is written and cut."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache

import pytest

from handrail.guard.opening import scanner_of
from handrail.pipeline.decoded import scan_decoded
from handrail.records import (
    Context,
    Decision,
    Draft,
    Effect,
    Evidence,
    FactValue,
    Finding,
    Message,
    Part,
    Place,
    PolicyRef,
    ProposedCall,
    Reason,
    Severity,
    Speaker,
    Stage,
    ToolCall,
    Trigger,
)
from handrail.scan import Scanner
from handrail.tickets.compose import compose
from handrail.tickets.ticket import LONGEST_TEXT, Ticket
from handrail.tickets.transcript import LONGEST_RESULT
from handrail.tickets.unmasking import ticket_for
from support.reviewers import SHOP
from support.stores import NOW, POLICY

SECRETS = {
    "card": "4111111111111111",
    "mail": "ann.smith@example.org",
    "own_letters": "jürgen.müller@example.org",
    "iban": "DE89370400440532013000",
    "phone": "+49 170 1234567",
}
LEAST = 7
REF = PolicyRef(name="shop", version="1", sha256="ab" * 32)
USER, ASSISTANT, TOOL = Speaker.USER, Speaker.ASSISTANT, Speaker.TOOL


@cache
def scanner() -> Scanner:
    return scanner_of(SHOP)


def escaped(text: str) -> str:
    return "".join(f"\\u{ord(letter):04x}" for letter in text)


def found(text: str, place: Place) -> tuple[Finding, ...]:
    return tuple(replace(one, place=place) for one in scan_decoded(scanner(), text))


def said(speaker: Speaker, text: str, **more: object) -> Message:
    return Message(speaker=speaker, text=text, **more)  # type: ignore[arg-type]


def ticket_of(
    *messages: Message,
    arguments: str = '{"amount":640}',
    beside: tuple[str, ...] = (),
    words: str = "",
    facts: Mapping[str, FactValue] | None = None,
) -> Ticket:
    call = ToolCall(id="c", name="issue_refund", arguments=arguments)
    others = tuple(ToolCall(id="b", name="pay", arguments=given) for given in beside)
    passes = Decision(stage=Stage.TOOL, effect=Effect.PASS, policy=REF, facts=facts or {})
    reason = Reason(
        rule="big",
        effect=Effect.HAND_OFF,
        trigger=Trigger.HIGH_STAKES,
        severity=Severity.HIGH,
        role="finance_lead",
        because="Finance signs it.",
    )
    draft = Draft(text=words, tool_calls=(call, *others))
    evidence = Evidence(
        exchange="x",
        context=Context(),
        messages=messages or (said(USER, "Hello."),),
        draft=draft,
        call=call,
        findings=(
            *(
                one
                for index, message in enumerate(messages)
                for one in found(message.words, Place(part=Part.MESSAGE, index=index))
            ),
            *found(draft.words, Place(part=Part.ANSWER)),
            *found(arguments, Place(part=Part.ARGUMENTS)),
        ),
        beside=tuple(
            ProposedCall(call=one, decision=passes, findings=found(one.arguments, Place(part=Part.ARGUMENTS)))
            for one in others
        ),
    )
    decision = replace(passes, effect=Effect.HAND_OFF, reasons=(reason,), role="finance_lead")
    return compose(evidence, decision, notice="Wait.", now=NOW, id="t", policy=POLICY)


def before(limit: int, secret: str, shown: int) -> str:
    """A text of which only the first characters of a secret lie within a limit."""
    return f"{'word ' * limit}"[: limit - shown - 1] + f" {secret} and more"


SHAPES: dict[str, Callable[[str], Ticket]] = {
    "escaped in arguments": lambda s: ticket_of(arguments=f'{{"to":"{escaped(s)}"}}'),
    "half escaped in arguments": lambda s: ticket_of(arguments=f'{{"to":"{s[:4]}{escaped(s[4:])}"}}'),
    "in JSON in arguments": lambda s: ticket_of(arguments=json.dumps({"body": json.dumps({"to": s})})),
    "escaped in JSON in arguments": lambda s: ticket_of(
        arguments=json.dumps({"body": f'{{"to":"{escaped(s)}"}}'})
    ),
    "between lines in arguments": lambda s: ticket_of(arguments=json.dumps({"body": f"To\n{s}\nat once"})),
    "a key of arguments": lambda s: ticket_of(arguments=json.dumps({s: 1})),
    "escaped in another call": lambda s: ticket_of(beside=(f'{{"to":"{escaped(s)}"}}',)),
    "of another call in a message": lambda s: ticket_of(
        said(ASSISTANT, f"Then {s[:-1]}{s[-1]} it is."), beside=(f'{{"to":"{escaped(s)}"}}',)
    ),
    "of a message escaped in arguments": lambda s: ticket_of(
        said(USER, f"Mine is {s}"), arguments=f'{{"to":"{escaped(s)}"}}'
    ),
    "of JSON in a message plain in arguments": lambda s: ticket_of(
        said(USER, f'{{"mine":"{escaped(s)}"}}'), arguments=json.dumps({"to": s}, ensure_ascii=False)
    ),
    "escaped in a result": lambda s: ticket_of(
        said(USER, "Who?"),
        said(ASSISTANT, "", tool_calls=(ToolCall(id="k", name="find", arguments="{}"),)),
        said(TOOL, f'{{"mail":"{escaped(s)}"}}', tool_call_id="k"),
    ),
    "promised": lambda s: ticket_of(said(ASSISTANT, f"I will write to {s} tomorrow."), said(USER, "Do.")),
    "in the words beside": lambda s: ticket_of(words=f"I send it to {s}."),
    "in a fact": lambda s: ticket_of(
        said(USER, f"Mine is {s}"), facts={"note": f"to {s}", "all": frozenset({s})}
    ),
    **{
        f"{name}, {shown} characters before the cut": (
            lambda s, make=make, shown=shown: make(s, min(shown, len(s) - 1))
        )
        for shown in (LEAST, 11, 99)
        for name, make in {
            "asked": lambda s, n: ticket_of(said(USER, before(LONGEST_TEXT, s, n))),
            "answered": lambda s, n: ticket_of(
                said(ASSISTANT, before(LONGEST_TEXT, s, n)), said(USER, "So?")
            ),
            "returned": lambda s, n: ticket_of(
                said(USER, "Who?"),
                said(ASSISTANT, "", tool_calls=(ToolCall(id="k", name="find", arguments="{}"),)),
                said(TOOL, before(LONGEST_RESULT, s, n), tool_call_id="k"),
            ),
        }.items()
    },
}


def texts(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from (name, *texts(one))
    elif isinstance(value, list):
        for one in value:
            yield from texts(one)
    elif isinstance(value, str):
        yield value
        try:
            inner = json.loads(value)
        except ValueError:
            return
        if isinstance(inner, dict | list):
            yield from texts(inner)


@pytest.mark.parametrize("sees", [frozenset[str](), frozenset({"something_else"})], ids=["none", "other"])
@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_nothing_that_was_found_is_readable_in_a_ticket(
    shape: Callable[[str], Ticket], secret: str, sees: frozenset[str]
) -> None:
    ticket = shape(secret)
    assert ticket.sealed is not None
    assert ticket.evidence
    shown = ticket_for(ticket, ticket.sealed, sees).model_copy(update={"sealed": None})
    trace = {secret[at : at + LEAST] for at in range(len(secret) - LEAST + 1)}
    for text in texts(shown.model_dump(mode="json")):
        assert not any(part in text for part in trace)


def test_who_may_see_a_value_reads_it_as_it_was_written() -> None:
    secret = SECRETS["own_letters"]
    ticket = ticket_of(said(USER, f"Mine is {secret}"), arguments=json.dumps({"to": secret}))
    assert ticket.sealed is not None
    shown = ticket_for(ticket, ticket.sealed, frozenset({"email"}))
    assert shown.action is not None
    assert json.loads(shown.action.arguments) == {"to": secret}
    assert secret in shown.lines[0].text
