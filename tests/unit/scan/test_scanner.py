import threading

import pytest

from handrail.errors import PolicyError
from handrail.records import Finding
from handrail.scan import EntitySpec, ListedValue, Origin, Scanner, ScanSpec, default_scanner


def types(text: str, scanner: Scanner | None = None) -> list[str]:
    return [finding.type for finding in (scanner or default_scanner()).scan(text)]


def value(text: str, kind: str, scanner: Scanner | None = None) -> str:
    found = next(f for f in (scanner or default_scanner()).scan(text) if f.type == kind)
    return text[found.start : found.end]


def test_spans_count_characters_of_the_callers_text():
    text = "café ☕ — schreib an jörg@müller.de, bitte"
    assert value(text, "email") == "jörg@müller.de"


@pytest.mark.parametrize(
    "hidden",
    [
        "ｊａｎｅ＠ｅｘａｍｐｌｅ．ｃｏｍ",
        "j\u200ba\u200bn\u200be@example.com",
        "ja\u00adne@exam\u00adple.com",
        "jаne@exаmple.com",
        "j a n e @ e x a m p l e . c o m",
        "jane%40example.com",
        "amFuZUBleGFtcGxlLmNvbQ==",
        "jane [at] example [dot] com",
        "jane at example dot com",
        "6a616e65406578616d706c652e636f6d",
    ],
)
def test_a_hidden_address_is_found_with_the_span_that_hides_it(hidden):
    assert value(f"write to {hidden} soon", "email") == hidden


def test_encoded_twice_is_still_found():
    import base64

    hidden = base64.b64encode(base64.b64encode(b"card 4111 1111 1111 1111")).decode()
    assert "card" in types(f"see {hidden} here")


def test_a_mail_addresss_domain_is_no_url_and_a_cards_digits_are_no_phone():
    assert types("mail jane@www.example.com now") == ["email"]
    assert types("4111 1111 1111 1111") == ["card"]
    assert "phone" not in types("at 2024-11-05 10:20:30 it failed")


def test_an_address_inside_a_link_is_found_beside_the_link():
    assert set(types("https://example.com/?to=jane@example.com")) == {"url", "email"}


@pytest.mark.parametrize(
    "text", ["", "\x00" * 50, "\ud800\udfff jane@example.com", "a\x00jane@example.com\x00"]
)
def test_no_text_makes_the_scanner_fail(text):
    assert isinstance(default_scanner().scan(text), tuple)


def test_a_lone_surrogate_does_not_hide_what_follows():
    assert value("\ud800 jane@example.com", "email") == "jane@example.com"


def test_an_allowed_value_is_never_found_and_a_denied_one_always():
    spec = ScanSpec(
        allow=(ListedValue(value="Help@example.com"),),
        deny=(ListedValue(value="Project Falcon", type="code_name"), ListedValue(value="проект", type="ru")),
    )
    scanner = Scanner(spec)
    assert types("help@example.com about project falcon", scanner) == ["code_name"]
    assert "ru" in types("это проект тут", scanner)


def test_a_users_type_replaces_the_shipped_one_of_its_name():
    own = EntitySpec(type="email", category="identifier", patterns=(r"\bM-\d{4}\b",))
    assert types("M-1234 jane@example.com", Scanner(ScanSpec(entities=(own,)))) == ["email"]


def test_disabled_types_and_categories_are_left_out():
    scanner = Scanner(ScanSpec(disable=frozenset({"email", "credential"})))
    assert types("jane@example.com password: hunter2!", scanner) == []


@pytest.mark.parametrize(
    ("entity", "problem"),
    [
        (EntitySpec(type="x", category="identifier", patterns=("(",)), "RE2"),
        (EntitySpec(type="x", category="identifier", patterns=(r"a(?=b)",)), "RE2"),
        (EntitySpec(type="x", category="identifier", patterns=("a*",)), "empty text"),
        (EntitySpec(type="x", category="identifier", patterns=("a",), check="nope"), "no check"),
        (EntitySpec(type="x", category="identifier"), "needs patterns"),
        (EntitySpec(type="x", category="identifier", patterns=("паспорт",)), "terms"),
        (EntitySpec(type="x", category="identifier", patterns=("a",), score=3), "score"),
        (EntitySpec(type="x", category="identifier", patterns=("a",), edge="soft"), "edge"),
    ],
)
def test_a_users_broken_pattern_is_an_error_with_its_place(entity, problem):
    from dataclasses import replace

    placed = replace(entity, origin=Origin(file="policy.yaml", line=7, column=5))
    with pytest.raises(PolicyError, match=problem) as caught:
        Scanner(ScanSpec(entities=(placed,)))
    assert (caught.value.file, caught.value.line, caught.value.column) == ("policy.yaml", 7, 5)


def test_too_many_findings_of_a_type_end_in_one_that_reaches_to_the_end():
    scanner = Scanner(ScanSpec(max_findings=3))
    text = "a@example.com " * 10
    findings = scanner.scan(text)
    assert len(findings) == 3
    assert findings[-1].end == len(text)
    assert "capped" in findings[-1].note


def test_without_a_tagger_there_are_no_names():
    assert "person" in types("my name is Jane Doe")
    assert "person" not in types("my name is Jane Doe", Scanner(ScanSpec(tagger="none")))


def test_an_analyzer_adds_its_findings():
    class Fixed:
        name = "fixed"

        def analyze(self, text: str) -> tuple[Finding, ...]:
            return (Finding(type="badge", category="identifier", start=0, end=3, scanner="fixed"),)

    assert "badge" in types("abc def", Scanner(ScanSpec(analyzers=(Fixed(),))))


def test_an_automaton_that_gives_up_lets_nothing_through(monkeypatch):
    scanner = Scanner()
    scanner.scan("warm")

    class Silent:
        def Match(self, data: bytes) -> list[int]:  # noqa: N802
            return []

    (gate,) = scanner.engine.gates
    parts = tuple(part._replace(set=Silent()) for part in gate.compiled.parts)
    monkeypatch.setitem(gate.__dict__, "compiled", gate.compiled._replace(parts=parts))
    assert "email" in types("write to jane@example.com", scanner)


def test_one_scanner_serves_many_threads():
    text = "jane@example.com and 4111 1111 1111 1111"
    expected = default_scanner().scan(text)
    seen: list[object] = []
    threads = [
        threading.Thread(target=lambda: seen.extend(default_scanner().scan(text) for _ in range(50)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(one == expected for one in seen)
    assert len(seen) == 200


def test_a_megabyte_of_one_shape_is_scanned_in_time():
    assert isinstance(default_scanner().scan("a." * 200_000), tuple)


def test_words_of_any_script_can_be_terms():
    own = EntitySpec(type="папка", category="legal", terms=("иск о разводе",))
    assert types("подан ИСК О РАЗВОДЕ вчера", Scanner(ScanSpec(entities=(own,)))) == ["папка"]


def test_what_a_policy_adds_leaves_the_automaton_of_what_is_shipped_as_it_is():
    own = EntitySpec(type="badge", category="identifier", patterns=(r"B-\d{4}",))
    plain, more = Scanner(), Scanner(ScanSpec(entities=(own,), deny=(ListedValue(value="Falcon"),)))
    assert more.engine.gates[0] is plain.engine.gates[0]
    assert more.engine.gates[0] is not Scanner(ScanSpec(disable=frozenset({"email"}))).engine.gates[0]
    assert {"badge", "denied"} <= set(types("B-1182 of falcon", more))
