from hypothesis import given
from hypothesis import strategies as st

from handrail.text.identity import identity


def test_spellings_of_one_name_are_one_identity() -> None:
    spellings = [
        "fay",
        "Fay",
        " FAY ",
        "f\u200bay",
        "\uff46\uff41\uff59",
        "fay\u00a0",
        "f\u0430y",
        "fay\n",
        "\ufefffay",
        "ﬀ".replace("ﬀ", "f") + "ay",
    ]
    assert {identity(name) for name in spellings} == {"fay"}
    assert identity("Fay.Miller@Example.ORG") == identity("fay.miller@example.org")
    assert identity("straße 7") == identity("STRASSE  7")
    assert identity("fay") != identity("may")


@given(st.text())
def test_an_identity_is_its_own_identity(name: str) -> None:
    once = identity(name)
    assert identity(once) == once
    assert identity(f" {name}\t") == once
