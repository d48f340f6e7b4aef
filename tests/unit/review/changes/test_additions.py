import pytest

from handrail.guard.opening import scanner_of
from handrail.policy import loads
from handrail.review.changes.promise import broken

TEXT = """\
policy: shop
version: "1"
if_unsure: lead
roles:
  lead: {}
facts:
  signal.complaint: {type: yes/no}
  signal.dispute: {type: yes/no}
  input.findings: {type: set, values: [card, financial]}
  input.topics: {type: set, values: [health, legal]}
scan:
  floor: 0.6
  allow: [shop@example.com]
  deny: [project kestrel]
  entities:
    - type: emp_number
      category: personnel
      patterns: ['EMP-\\d{5}']
      score: 0.9
signals:
  complaint:
    level: 0.7
    words: [rubbish, awful]
    match: [this is awful]
hand_offs:
  - id: complaint
    when: signal.complaint
    to: lead
    because: Answered.
  - id: unless
    when: input.findings has "card" and not signal.dispute
    to: lead
    because: Looked at.
  - id: topic
    when: not (input.topics has "legal") and input.findings has "financial"
    to: lead
    because: Looked at.
"""
ENTITY = """\
    - type: {type}
      category: {category}
      patterns: ['{pattern}']
      score: 0.95
      match: [{match}]
signals:
"""


def problems(after: str) -> list[str]:
    return list(broken(TEXT, after, loads(TEXT), loads(after)))


def entity(pattern: str, match: str, *, name: str = "kite", category: str = "identifier") -> str:
    new = ENTITY.format(type=name, category=category, pattern=pattern, match=match)
    return TEXT.replace("signals:\n", new, 1)


@pytest.mark.parametrize(
    "after",
    [
        TEXT.replace("[rubbish, awful]", "[rubbish, awful, dreadful]"),
        TEXT.replace("match: [this is awful]", "match: [this is awful, rubbish]\n    not_match: [fine]"),
        TEXT.replace("  complaint:\n    level", "  health: {words: [spa cure]}\n  complaint:\n    level"),
        TEXT.replace("[project kestrel]", "[project kestrel, project kite]"),
        entity(r"\bKITE-\d{6}\b", "KITE-123456"),
    ],
)
def test_words_and_entities_may_be_added(after: str) -> None:
    assert problems(after) == []


@pytest.mark.parametrize(
    "after",
    [
        TEXT.replace("[rubbish, awful]", "[awful]"),
        TEXT.replace("level: 0.7", "level: 0.8"),
        TEXT.replace("level: 0.7", "level: 0.6"),
        TEXT.replace("    level: 0.7\n", ""),
        TEXT.replace("    match: [this is awful]\n", ""),
        TEXT.replace("floor: 0.6", "floor: 0.9"),
        TEXT.replace("[shop@example.com]", "[shop@example.com, card]"),
        TEXT.replace("[project kestrel]", "[]"),
        TEXT.replace("  floor: 0.6", "  floor: 0.6\n  disable: [email]"),
        TEXT.replace("EMP-\\d{5}", "EMP-\\d{6}"),
        TEXT.replace("  floor: 0.6", "  floor: 0.6\n  tagger: none"),
    ],
)
def test_nothing_that_is_heard_or_found_may_go_or_change(after: str) -> None:
    assert after != TEXT
    assert problems(after)


def test_a_new_entity_may_not_take_the_name_of_another() -> None:
    (problem, *_) = problems(entity(r"\bKITE-\d{6}\b", "KITE-123456", name="email"))
    assert "gives way" in problem or "give way" in problem


def test_a_new_entity_is_no_carrier_that_takes_the_place_of_what_lies_inside() -> None:
    after = entity(r"kite .*", "kite one").replace("score: 0.95", "score: 0.95\n      is_carrier: true")
    assert any("take the place" in one for one in problems(after))


def test_the_texts_of_a_new_entity_are_tests() -> None:
    assert problems(entity(r"\bKITE-\d{6}\b", "KITE-1")) == [
        "entity kite: text 1 of match: kite is not found there"
    ]


def test_a_word_whose_own_test_fails_is_refused() -> None:
    after = TEXT.replace("match: [this is awful]", "match: [this is awful, see you on monday]")
    (problem,) = problems(after)
    assert problem == "signal complaint: text 2 of match: complaint is not heard there"


@pytest.mark.parametrize(("name", "rule"), [("dispute", "unless"), ("legal", "topic")])
def test_a_word_may_not_let_a_rule_stop_less(name: str, rule: str) -> None:
    after = TEXT.replace("signals:\n", f"signals:\n  {name}: {{words: [kite]}}\n", 1)
    (problem,) = problems(after)
    assert problem.startswith(rule)


def test_a_decision_that_reads_what_is_added_is_for_people() -> None:
    decisions = (
        "decisions:\n  refund:\n    answers: {allow: pass, deny: hand_off}\n    on_conflict: {to: lead}\n"
        "    rules:\n      - {id: a, when: signal.complaint, then: allow}\n"
    ).replace("deny: hand_off", "deny: {effect: hand_off, to: lead}")
    before = TEXT + decisions
    after = before.replace("[rubbish, awful]", "[rubbish, awful, dreadful]")
    (problem,) = broken(before, after, loads(before), loads(after))
    assert "the decision refund" in problem


CARD_RANGE = r"\b40\d\d \d{4} \d{4} \d{4}\b"
IBAN_RANGE = r"Ref DE\d\d(?: ?\d{4}){4} ?\d\d"


@pytest.mark.parametrize(
    ("pattern", "match", "text"),
    [
        (r"password: [A-Z][a-z]+\d{4}", "'password: Summer2024'", "password: Summer2025"),
        (IBAN_RANGE, "Ref DE11 1111 1111 1111 1111 11", "Ref DE89 3704 0044 0532 0130 00"),
        (CARD_RANGE, "4012 1234 1234 1234", "my card 4012 8888 8888 1881"),
        (r"\bstaff EMP-\d{5}\b", "staff EMP-12345", "staff EMP-54321"),
        (r"\bold project kestrel\b", "old project kestrel", "our old project kestrel"),
    ],
)
def test_an_added_entity_hides_no_finding_that_no_example_shows(pattern: str, match: str, text: str) -> None:
    before, after = (scanner_of(loads(one)).scan(text) for one in (TEXT, entity(pattern, match)))
    assert before
    assert set(before) <= set(after)


def test_a_denied_value_hides_no_finding() -> None:
    after = TEXT.replace("[project kestrel]", "[project kestrel, 'password: Summer2025']")
    assert problems(after) == []
    found = {one.type for one in scanner_of(loads(after)).scan("password: Summer2025")}
    assert found == {"password", "denied"}
