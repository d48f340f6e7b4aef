import json

from handrail.records import Finding
from handrail.scan import default_scanner
from handrail.scan.vault import Vault

TEXT = "pay 4111 1111 1111 1111 for jane@example.com"


def found(text: str) -> tuple[Finding, ...]:
    return default_scanner().scan(text)


def test_a_vault_gives_back_what_it_hid_in_text_streams_and_arguments():
    vault = Vault()
    hidden = vault.hide(TEXT, found(TEXT))
    assert hidden == "pay <CARD_1> for <EMAIL_1>"
    assert vault.restore(hidden) == TEXT
    assert json.loads(vault.restore_arguments('{"to": ["<EMAIL_1>"], "n": 1}')) == {
        "to": ["jane@example.com"],
        "n": 1,
    }
    stream = vault.stream()
    assert "".join([*(stream.feed(c) for c in hidden), stream.finish()]) == TEXT


def test_a_value_with_quotes_stays_valid_json_in_streamed_arguments():
    vault = Vault()
    finding = Finding(type="note", category="identifier", start=0, end=5)
    name = vault.pseudonym('a"b\\c', finding)
    stream = vault.stream(is_json=True)
    text = "".join([*(stream.feed(c) for c in f'{{"x": "{name}"}}'), stream.finish()])
    assert json.loads(text) == {"x": 'a"b\\c'}


def test_a_pseudonym_already_in_the_text_is_never_given_to_another_value():
    vault = Vault()
    text = "<EMAIL_1> wrote to jane@example.com"
    hidden = vault.hide(text, found(text))
    assert hidden == "<EMAIL_1> wrote to <EMAIL_2>"
    assert vault.restore(hidden) == text


def test_the_same_value_gets_the_same_pseudonym_and_repr_shows_none():
    vault = Vault()
    text = "jane@example.com, jane@example.com"
    assert vault.hide(text, found(text)) == "<EMAIL_1>, <EMAIL_1>"
    assert "jane" not in repr(vault)


def test_a_pseudonym_comes_back_in_json_and_in_json_in_its_strings() -> None:
    vault = Vault()
    value = 'o"neil\\ann'
    name = vault.pseudonym(value, Finding(type="person", category="identifier", start=0, end=len(value)))
    for text in (
        json.dumps({"to": name}),
        json.dumps({"to": name}).replace("<", "\\u003c"),
        f'{{ "to" : "{name}"}}',
    ):
        for restored in (vault.restore(text), vault.restore_arguments(text)):
            assert json.loads(restored) == {"to": value}
    nested = json.dumps({"body": json.dumps({"to": [f"for {name}"], name: 1})})
    assert json.loads(json.loads(vault.restore(nested))["body"]) == {"to": [f"for {value}"], value: 1}
    assert vault.restore(f'So: {{"to": "{name}"}}, {name}') == f"So: {json.dumps({'to': value})}, {value}"
    assert vault.restore_arguments('{ "n" : 1.50 ,"to": "<PERSON_9>"}') == '{ "n" : 1.50 ,"to": "<PERSON_9>"}'
