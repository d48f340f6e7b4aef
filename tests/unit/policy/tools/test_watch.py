import os
import threading
from pathlib import Path

import pytest

from handrail.errors import PolicyError
from handrail.policy.tools.watch import PolicyFile, changes
from handrail.records import Stage
from support.shop_policy import SHOP, usd


def test_a_bad_edit_keeps_the_last_good_policy(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(SHOP)
    file = PolicyFile(path)
    first = file.current
    assert not file.refresh()
    path.write_text(SHOP.replace("> 100 USD", "> 100"))
    assert not file.refresh()
    assert file.current is first
    assert "write a currency" in file.problems[0].problem
    path.unlink()
    assert not file.refresh()
    assert "cannot be read" in file.problems[0].problem
    path.write_text(SHOP.replace("> 100 USD", "> 90 USD"))
    assert file.refresh()
    assert file.current.ref != first.ref
    assert file.problems == ()


def test_a_file_that_was_never_good_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("policy: x\n")
    with pytest.raises(PolicyError):
        PolicyFile(path)


def test_readers_never_see_half_a_policy_while_it_is_reloaded(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(SHOP)
    file = PolicyFile(path)
    seen: set[str] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            decision = file.current.decide({"tool.name": "pay", "amount": usd("95")}, Stage.TOOL)
            seen.add(str(decision.effect))

    thread = threading.Thread(target=read)
    thread.start()
    for number in range(20):
        path.write_text(SHOP.replace("> 100 USD", f"> {100 - number} USD"))
        os.utime(path, ns=(number, number))
        file.refresh()
    done.set()
    thread.join()
    assert seen <= {"pass", "hand_off"}


def test_a_changed_file_is_told_of_once_also_when_it_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("a")
    steps = iter([lambda: None, lambda: path.write_text("b"), lambda: None, path.unlink, lambda: None])

    def wait() -> bool:
        step = next(steps, None)
        if step is not None:
            step()
        return step is not None

    assert sum(1 for _ in changes([path], wait)) == 3
