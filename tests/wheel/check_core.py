"""What a stranger meets who installed the wheel without extras; run by the Python of that environment.

    python check_core.py README.md

It uses the standard library and handrail alone, prints a line per check and ends with 1 if one failed.
"""

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

COMMAND = [str(Path(sys.executable).with_name("handrail"))]
# What is asked for, and the extra that must be named.
LIBRARY = {
    "handrail_adapters.openai": "openai",
    "handrail_adapters.anthropic": "anthropic",
    "handrail_adapters.langchain": "langchain",
    "handrail_adapters.langchain_agents": "langchain-agents",
    "handrail_adapters.pydantic_ai": "pydantic-ai",
    "handrail_adapters.agents_sdk": "agents",
    "handrail_adapters.litellm": "litellm",
    "handrail_adapters.otel": "otel",
    "handrail.confidence.calibration.fit": "review",
}
CALLS = {
    "from handrail_adapters.presidio import PresidioScanner; PresidioScanner()": "presidio",
    "from handrail_adapters.mcp_server import ticket_server; ticket_server(None)": "mcp",
    "from handrail.store import open_store; open_store('postgresql://localhost/x')": "postgres",
    "from handrail.tickets.calendar import calendar\n"
    "calendar('o', zone='UTC', hours={'monday': '09:00-17:00'}, holidays='DE')": "desk",
    "from handrail.desk.channels import Apprise; Apprise(name='a', urls=('json://x',))": "notify",
    "from handrail.policy import load\nfrom handrail.policy.analyse.prove import prover_for\n"
    "prover_for(load('support'))": "prove",
}
COMMANDS = {
    ("demo", "--fast"): "openai",
    ("mcp", "--person", "a", "--policy", "support", "--people", "people.yaml"): "mcp",
    ("gateway", "--upstream", "http://127.0.0.1:1/v1", "--policy", "support", "--check"): "server",
    ("calibrate", "log.jsonl"): "review",
    ("confidence", "eval", "scores.jsonl"): "review",
}
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)

failed: list[str] = []


def check(what: str, holds: object, shown: str = "") -> None:
    """Print one line; a check that does not hold is kept for the exit code."""
    print(f"{'ok  ' if holds else 'FAIL'} {what}")
    if not holds:
        failed.append(what)
        print(shown)


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command, with nothing to read."""
    return subprocess.run(
        [*COMMAND, *words],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=os.environ | {"COLUMNS": "200"},
        timeout=120,
        check=False,
    )


def commands() -> Iterator[tuple[str, ...]]:
    """Yield every command, and the commands of every group."""
    for name in re.findall(r"^│ (\w[\w-]*) ", run("--help").stdout.partition("Commands")[2], re.MULTILINE):
        yield (name,)
        inner = run(name, "--help").stdout.partition("─ Commands ─")[2]
        yield from ((name, found) for found in re.findall(r"^│ (\w[\w-]*) ", inner, re.MULTILINE))


def help_is_there() -> None:
    """Every command helps itself, or names the extra that it lacks."""
    check("--version", run("--version").stdout.startswith("handrail "))
    found = list(commands())
    check(f"{len(found)} commands", len(found) > 40)
    for words in found:
        done = run(*words, "--help")
        named = done.returncode == 2 and "pip install 'handrail[" in done.stderr
        is_fine = (done.returncode == 0 or named) and "Traceback" not in done.stderr
        check(f"{' '.join(words)} --help", is_fine, done.stderr)


def missing_extras_are_named() -> None:
    """What needs an extra says which, typed in the library and in one line from the command."""
    from handrail.errors import MissingExtra

    def asked(what: str, code: str, extra: str) -> None:
        try:
            exec(code, {})
        except MissingExtra as error:
            check(f"{what}: {error}", error.extra == extra and f"'handrail[{extra}]'" in str(error))
        else:
            check(what, False, "nothing was missing")

    for module, extra in LIBRARY.items():
        asked(module, f"import {module}", extra)
    for code, extra in CALLS.items():
        asked(code.splitlines()[-1], code, extra)
    for words, extra in COMMANDS.items():
        done = run(*words)
        is_named = done.returncode == 2 and f"pip install 'handrail[{extra}]'" in done.stderr
        check(f"handrail {' '.join(words)}", is_named and "Traceback" not in done.stderr, done.stderr)
        helped = run(words[0], "--help")
        check(f"{words[0]} --help", helped.returncode == 0 and "Usage" in helped.stdout, helped.stderr)
        marked = re.search(rf"^│ {words[0]} .*needs\s", run("--help").stdout, re.MULTILINE)
        check(f"{words[0]} is marked in --help", marked)


def readme_can_be_followed(page: str) -> None:
    """The first screen prints what it says; its ticket is decided and carried out as the page shows."""
    blocks = BLOCK.findall(page)
    first = next(text for kind, text in blocks if kind == "python")
    says = next(text for kind, text in blocks if kind == "text")
    people = next(text for kind, text in blocks if kind == "yaml" and text.startswith("# people.yaml"))
    decides = next(text for kind, text in blocks if kind == "sh" and "tickets decide" in text)
    at = next(
        number for number, block in enumerate(blocks) if block[0] == "python" and "authorised" in block[1]
    )
    after, then_says = blocks[at][1], blocks[at + 1][1]
    names: dict[str, object] = {}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(first, names)
    check("README's first screen", printed.getvalue() == says, printed.getvalue())
    Path("people.yaml").write_text(people)
    ticket = json.loads(run("tickets", "list", "--json").stdout)["tickets"][0]["id"]
    for line in decides.splitlines():
        words = [ticket if word == "$TICKET" else word for word in line.partition("#")[0].split()[1:]]
        done = run(*words)
        check(line, done.returncode == 0, done.stderr)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(after, {**names, "ticket": ticket})
    check("the decided action prints what README says", printed.getvalue() == then_says, printed.getvalue())
    state = json.loads(run("tickets", "show", ticket, "--json").stdout)["view"]["state"]
    check("the action ran once, as decided", state == "applied", state)
    for words in (("review",), ("audit", "verify"), ("policy", "check", "support"), ("init", "start")):
        done = run(*words)
        check(f"handrail {' '.join(words)}", done.returncode == 0, done.stdout + done.stderr)


def main() -> None:
    """Run every check in an empty folder."""
    page = Path(sys.argv[1]).read_text(encoding="utf-8")
    where = Path(str(import_module("handrail").__file__)).resolve()
    check("handrail is the installed one", Path(sys.prefix).resolve() in where.parents, str(where))
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        help_is_there()
        missing_extras_are_named()
        readme_can_be_followed(page)
        os.chdir("/")
    print(f"{len(failed)} failed" if failed else "the core wheel does what its page says")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
