import pytest

from handrail.signals.language import UNKNOWN, language_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Where is my order, please?", "en"),
        ("Ich möchte bitte mit einem Menschen sprechen", "de"),
        ("Quiero hablar con una persona, por favor", "es"),
        ("Je voudrais parler à un conseiller", "fr"),
        ("Vorrei parlare con una persona, il mio ordine non è arrivato", UNKNOWN),
        ("Gostaria de falar com uma pessoa, não recebi a minha encomenda", UNKNOWN),
        ("Ik wil graag met een mens spreken over mijn bestelling", UNKNOWN),
        ("Chcę rozmawiać z człowiekiem, proszę, moje zamówienie nie dotarło", UNKNOWN),
        ("我想和人说话", UNKNOWN),
        ("хочу поговорить с человеком", UNKNOWN),
        ("اريد التحدث مع شخص", UNKNOWN),
    ],
)
def test_a_language_is_told_by_its_small_words_and_its_script(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize("text", ["", "hi", "1182", "Z-9", "ok thanks", "!!!", "asdf qwer zxcv"])
def test_nothing_is_said_of_what_is_too_short_or_too_odd(text: str) -> None:
    assert language_of(text) != UNKNOWN
