import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from handrail.cli import build
from handrail.errors import ConfigError
from handrail.records import Trigger
from handrail.review.log.cases import ReviewCase, TicketEnding
from handrail.review.training.consents import read_consents
from handrail.review.training.data_card import data_card
from handrail.review.training.eval_run import client_of, read_cases, run_cases
from handrail.review.training.export import Consent, FindingSurvives, Form, check, split_of, training_set
from handrail.scan import default_scanner
from handrail.scan.catalogue import shipped
from handrail.scan.spec import TOPICS
from handrail.store import open_store
from handrail.tickets.resolution import Resolution
from handrail.tickets.ticket import Verdict
from support.entity_examples import expand
from support.stores import NOW, actor, new_ticket

MONDAY = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
AGREED = Consent(source="Terms v3, section 4", given=date(2026, 1, 1))
CARD = "4111 1111 1111 1111"


def a_case(number: int = 1, ending: TicketEnding = TicketEnding.EDITED, **given: object) -> ReviewCase:
    values: dict[str, object] = {
        "id": f"ticket-{number:05}",
        "created_at": MONDAY,
        "decided_at": MONDAY + timedelta(minutes=9),
        "role": "queue_manager",
        "trigger": Trigger.LOW_CONFIDENCE,
        "rules": ("low-confidence",),
        "ending": ending,
        "proposed": f"You may return it within {number} days.",
        "resolved": "You may return it within 30 days.",
        "lines": (("user", f"How long may I return order {number % 97}?"),),
        **given,
    }
    return ReviewCase(**values)  # type: ignore[arg-type]


def made_of(*cases: ReviewCase, form: Form = Form.SFT) -> list[Mapping[str, Any]]:
    made = training_set(
        cases, form, default_scanner(), consent=lambda _: AGREED, conversation=lambda ticket: ticket
    )
    return [one.data for one in made.examples]


def test_an_edited_answer_becomes_a_chat_that_ends_with_what_the_person_wrote() -> None:
    assert made_of(a_case()) == [
        {
            "messages": [
                {"role": "user", "content": "How long may I return order 1?"},
                {"role": "assistant", "content": "You may return it within 30 days."},
            ]
        }
    ]


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("phone", ["0170 1234567", "06 12 34 56 78"])
def test_a_value_in_one_field_of_an_action_is_masked_by_itself(form: Form, phone: str) -> None:
    case = a_case(tool="pay", proposed='{"amount": 4}', resolved=f'{{"amount": 5, "note": "{phone}"}}')
    (data,) = made_of(case, form=form)
    assert phone not in str(data)
    assert "[PHONE]" in str(data)


def test_a_pair_prefers_what_the_person_wrote_to_what_was_proposed() -> None:
    (pair,) = made_of(a_case(), form=Form.PREFERENCE)
    assert pair["preferred_output"] == [{"role": "assistant", "content": "You may return it within 30 days."}]
    assert pair["non_preferred_output"][0]["content"] == "You may return it within 1 days."
    assert made_of(a_case(ending=TicketEnding.APPROVED, resolved=""), form=Form.PREFERENCE) == []


def test_an_edited_action_becomes_a_tool_call_with_the_arguments_that_were_decided() -> None:
    case = a_case(tool="issue_refund", proposed='{"amount": 640}', resolved='{"amount": 590}')
    (chat,) = made_of(case)
    call = chat["messages"][-1]["tool_calls"][0]
    assert call["function"]["name"] == chat["tools"][0]["function"]["name"] == "issue_refund"
    assert json.loads(call["function"]["arguments"]) == {"amount": 590}


def test_what_people_rejected_is_a_case_that_must_not_come() -> None:
    (case,) = made_of(a_case(ending=TicketEnding.REJECTED, resolved=""), form=Form.EVAL)
    assert case["metadata"]["must_not"] is True
    assert case["target"] == "You may return it within 1 days."
    assert made_of(a_case(ending=TicketEnding.REJECTED), form=Form.SFT) == []


@pytest.mark.parametrize("ending", [TicketEnding.OPEN, TicketEnding.EXPIRED, TicketEnding.CANCELLED])
@pytest.mark.parametrize("form", list(Form))
def test_what_nobody_decided_teaches_nothing(ending: TicketEnding, form: Form) -> None:
    assert made_of(a_case(ending=ending), form=form) == []


def test_without_a_consent_nothing_leaves() -> None:
    made = training_set(
        [a_case(1), a_case(2)],
        Form.SFT,
        default_scanner(),
        consent=lambda ticket: AGREED if ticket.endswith("2") else None,
        conversation=lambda ticket: ticket,
    )
    assert len(made.examples) == 1
    assert made.left_out == {"no consent": 1}


def test_copies_are_left_out_and_a_conversation_is_never_on_both_sides() -> None:
    cases = [a_case(n, lines=(("user", f"Question {n}?"),)) for n in range(300)]
    made = training_set(
        [*cases, a_case(999, lines=(("user", "  QUESTION 7? "),), proposed=cases[7].proposed)],
        Form.SFT,
        default_scanner(),
        consent=lambda _: AGREED,
        conversation=lambda ticket: f"conversation {int(ticket[-5:]) // 10}",
    )
    assert made.left_out == {"a copy": 1}
    assert len(made.of("train")) + len(made.of("test")) == 300
    assert 20 < len(made.of("test")) < 120
    assert split_of("a") == split_of("a")


def _plants() -> Iterator[tuple[str, str, str]]:
    """Yield a type, an example of it as it stands among its words, and the value in it."""
    for spec in shipped():
        if spec.is_optional or spec.type in TOPICS or spec.is_hidden_only:
            continue
        for example in spec.match[:1]:
            text = expand(example)
            found = [f for f in default_scanner().scan(text) if f.type not in TOPICS]
            yield from ((spec.type, text, text[f.start : f.end]) for f in found[:1])


def test_no_identifier_or_secret_of_any_type_leaves_from_any_field() -> None:
    planted = list(_plants())
    assert len({kind for kind, _, _ in planted}) > 150
    for number, (_, words, value) in enumerate(planted):
        arguments = json.dumps({"to": words, "list": [{"note": words}], words: 1})
        cases = [
            a_case(4 * number, lines=(("user", words), ("system", words))),
            a_case(4 * number + 1, lines=(("user", f"q{number}"), ("assistant", words), ("user", "and?"))),
            a_case(4 * number + 2, proposed=words, resolved=f"{words} Yes.", reason=words, wanted=words),
            a_case(
                4 * number + 3, tool="note", proposed=arguments, resolved=arguments.replace("list", "all")
            ),
        ]
        for form in Form:
            text = json.dumps(made_of(*cases, form=form), ensure_ascii=False)
            assert len(value) < 4 or value not in text


def test_without_the_masking_the_same_values_would_leave() -> None:
    data = {"messages": [{"role": "user", "content": f"card {CARD}"}]}
    with pytest.raises(FindingSurvives, match="card") as raised:
        check(data, default_scanner())
    assert CARD not in str(raised.value)


@pytest.mark.parametrize("data", [{CARD: "x"}, {"a": 4111111111111111}, {"a": [{"b": f"my {CARD}"}]}])
def test_keys_and_numbers_are_looked_at_too(data: Mapping[str, Any]) -> None:
    with pytest.raises(FindingSurvives):
        check(data, default_scanner())


def test_a_value_that_is_one_only_over_two_messages_does_not_leave() -> None:
    lines = (("user", "My card is 4111 1111"), ("user", "1111 1111"))
    made = training_set(
        [a_case(lines=lines)], Form.SFT, default_scanner(), consent=lambda _: AGREED, conversation=str
    )
    assert made.examples == []
    assert made.left_out == {"a value over several messages": 1}


def test_cases_run_against_a_client_and_what_was_rejected_must_not_come_again(tmp_path: Path) -> None:
    lines = made_of(a_case(1), a_case(2, ending=TicketEnding.REJECTED), form=Form.EVAL)
    path = tmp_path / "eval.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    good = run_cases(read_cases(path), lambda messages: "you may  return it within 30 days.")
    assert good.passed.count == 2
    bad = run_cases(read_cases(path), lambda messages: "You may return it within 2 days.")
    assert [one.is_passed for one in bad.results] == [False, False]


def test_a_case_in_which_the_client_fails_is_failed_and_the_others_are_asked() -> None:
    cases = made_of(a_case(1), a_case(2, ending=TicketEnding.REJECTED), a_case(3), form=Form.EVAL)
    asked = []

    def client(messages: Sequence[Mapping[str, Any]]) -> str:
        asked.append(messages)
        if len(asked) < 3:
            raise RuntimeError(CARD)
        return "You may return it within 30 days"

    done = run_cases(cases, client)
    assert [(one.error, one.is_passed) for one in done.results] == [
        ("RuntimeError", False),
        ("RuntimeError", False),
        ("", True),
    ]
    no_text = run_cases(cases, lambda messages: None)  # type: ignore[arg-type, return-value]
    assert {(one.error, one.is_passed) for one in no_text.results} == {("no text", False)}


@pytest.mark.parametrize(
    ("answer", "is_passed"),
    [
        ("You may return it within 30 days", True),
        (" you may return it within 30 days!", True),
        ("You may return it within 3.0 days.", False),
        ("You can send it back for 30 days.", False),
    ],
)
def test_answers_are_compared_word_for_word_or_as_the_caller_says(answer: str, is_passed: bool) -> None:
    cases = made_of(a_case(1), form=Form.EVAL)
    assert run_cases(cases, lambda messages: answer).passed.count == is_passed
    own = run_cases(cases, lambda messages: answer, compare=lambda got, wanted: "30" in got)
    assert own.passed.count == ("30" in answer)


def consents(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "consents.csv"
    path.write_text("\n".join(["ticket,source,date", *rows]))
    return path


def test_a_consent_of_a_day_ahead_is_refused_with_its_place(tmp_path: Path) -> None:
    today = date(2026, 1, 9)
    with pytest.raises(ConfigError, match="--consent-date: 2026-01-10 lies ahead"):
        read_consents("Terms", "2026-01-10", None, today=today)
    file = consents(tmp_path, "ticket-00001,mail,2026-01-09", "ticket-00002,mail,2099-01-01")
    with pytest.raises(ConfigError, match=r"consents.csv:3: 2099-01-01 lies ahead"):
        read_consents("", "", file, today=today)
    assert read_consents("Terms", "2026-01-09", None, today=today).of("any") is not None


def test_a_consent_for_all_counts_from_its_day_on_and_one_for_a_ticket_for_that_ticket(
    tmp_path: Path,
) -> None:
    file = consents(tmp_path, "ticket-00001,mail,2026-01-08", "ticket-00404,mail,2026-01-08")
    said = read_consents("Terms", "2026-01-06", file, today=date(2026, 1, 9))
    cases = [
        a_case(1),
        a_case(2, lines=(("user", "Before?"),)),
        a_case(3, lines=(("user", "After?"),), created_at=MONDAY + timedelta(days=1)),
    ]
    made = training_set(cases, Form.SFT, default_scanner(), consent=said.of, conversation=str)
    assert [one.consent.source for one in made.examples] == ["mail", "Terms"]
    assert made.left_out == {"opened before the consent": 1}
    assert said.unknown(case.id for case in cases) == ("ticket-00404",)


def test_the_card_says_what_was_masked_before_and_why_a_ticket_gave_nothing() -> None:
    cases = [
        a_case(1, lines=(("user", "Write to [EMAIL] or [email] about [ORDER]?"),)),
        a_case(2, ending=TicketEnding.REJECTED),
        a_case(3, lines=(("assistant", "Hello."),)),
        a_case(4, resolved=" "),
        a_case(5, ending=TicketEnding.OPEN),
    ]
    made = training_set(cases, Form.SFT, default_scanner(), consent=lambda _: AGREED, conversation=str)
    assert made.labels == {"email": 1}
    assert made.left_out == {
        "rejected: nothing that sft is made of": 1,
        "without words of the customer": 1,
        "without an answer or action": 1,
        "not decided": 1,
    }
    card = data_card(made, period="a week", policies=())
    assert "## Masked before this export, as labels in the texts\n- email: 1\n" in card


def test_a_client_that_is_none_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="module:function"):
        client_of("no_such_module:ask")
    path = tmp_path / "eval.jsonl"
    path.write_text('{"input": 1}\n')
    with pytest.raises(ConfigError, match=":1: no case"):
        read_cases(path)


def test_the_commands_export_from_a_store_and_run_what_they_exported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'handrail.db'}"
    store = open_store(url, allow_volatile=True)
    ticket = new_ticket()
    store.open(ticket)
    view = store.claim(ticket.tenant, ticket.id, actor())
    approved = Resolution(verdict=Verdict.APPROVE, digest=view.digest)
    store.resolve(ticket.tenant, ticket.id, approved, actor())
    store.close()
    run, out = CliRunner(), tmp_path / "out"
    common = ["--store", url, "--tenant", ticket.tenant, "--since", NOW.date().isoformat(), "--out", str(out)]
    refused = run.invoke(build(), ["export", "eval", *common])
    assert isinstance(refused.exception, ConfigError)
    done = run.invoke(
        build(), ["export", "eval", *common, "--consent", "Terms", "--consent-date", "2026-01-01"]
    )
    assert done.exit_code == 0, done.output
    cases = [out / f"eval.{split}.jsonl" for split in ("train", "test")]
    written = [path for path in cases if path.read_text()]
    assert len(written) == 1
    assert "Terms, 2026-01-01: 1" in (out / "eval.card.md").read_text()
    without = [one for one in common if one not in ("--since", NOW.date().isoformat())]
    file = consents(tmp_path, f"{ticket.id},mail,2026-01-01", "ticket-unknown,mail,2026-01-01")
    named = run.invoke(build(), ["export", "eval", *without, "--consents", str(file)])
    assert "no such ticket in this store and period: ticket-unknown (1)" in named.output
    assert f"Decided tickets of {NOW:%Y-%m-%d} to" in (out / "eval.card.md").read_text()
    (tmp_path / "my_client.py").write_text("def ask(messages):\n    return 'something else'\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    ran = run.invoke(build(), ["eval", "run", str(written[0]), "--client", "my_client:ask", "--json"])
    assert ran.exit_code == 1
    assert json.loads(ran.stdout)["total"] == 1
