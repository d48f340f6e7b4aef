"""What a call needs is read when the guard is made: the loop of the first coroutine waits for no file."""

import subprocess
import sys
from pathlib import Path

import pytest

FIRST_CALL = """
import asyncio, sys, threading
from handrail import Guard, HandoffRequired

guard = Guard.from_policy(sys.argv[1], store=f"sqlite:///{sys.argv[2]}/handrail.db")
loop, opened = threading.get_ident(), []

def note(event, arguments):
    if event == "open" and threading.get_ident() == loop and not str(arguments[0]).endswith((".py", ".pyc")):
        opened.append(str(arguments[0]))

async def answer(question):
    return "Ann Smith pays 12 EUR, see 10 Downing Street; her heart hurts."

async def first():
    try:
        await guard(answer)("Bonjour! Ich will mit Ann Smith reden: 20 EUR, my lawyer, 4111 1111 1111 1111.")
    except HandoffRequired:
        pass

sys.addaudithook(note)
asyncio.run(first())
print(*opened, sep="\\n", end="")
"""


@pytest.mark.parametrize("policy", ["support", "clinic"])
def test_the_first_call_in_a_loop_opens_no_file(policy: str, tmp_path: Path) -> None:
    folder = str(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", FIRST_CALL, policy, folder], capture_output=True, text=True, check=True
    )
    assert [line for line in done.stdout.splitlines() if not line.startswith(folder)] == []
