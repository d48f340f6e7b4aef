import pytest

from handrail.errors import MissingExtra
from handrail.policy.analyse import prove
from support.checked_policy import of


def test_without_z3_the_error_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "z3", None)
    with pytest.raises(MissingExtra, match=r"handrail\[prove\]"):
        prove.prover_for(of(""))
