"""A guard that judges everything and finds nothing, and how often it judged."""

import atexit
import os
import tempfile
from functools import cache
from pathlib import Path

from handrail import Guard

STREAM = "HANDRAIL_PEERS_STREAM"
"""Name of the variable that says how streams are guarded: `hold` or `release`."""
COUNT = "HANDRAIL_PEERS_COUNT"
"""Name of the variable that names the file for the count of what was judged."""

POLICY = """\
policy: pass-all
version: "1"
owner: process_owner
if_unsure: process_owner
stream: {stream}
roles:
  process_owner: {{answer_within: 1 days}}
facts:
  input.findings:  {{type: set, values: [iban]}}
  output.findings: {{type: set, values: [iban]}}
  tool.findings:   {{type: set, values: [iban]}}
hand_offs:
  - {{id: said, when: input.findings has iban or output.findings has iban, to: process_owner, because: No.}}
  - {{id: called, when: tool.findings has iban, to: process_owner, because: No.}}
on_conflict: {{to: process_owner}}
tests: []
"""


_judged = [0]


def _count(outcome: object) -> None:
    # In memory until the end: some suites forbid to write from within an event loop.
    _judged[0] += 1


@atexit.register
def _told() -> None:
    if COUNT in os.environ:
        Path(os.environ[COUNT]).write_text(str(_judged[0]))


@cache
def guard() -> Guard:
    """Return the guard of this process; it counts what it judges until the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="handrail-peers-"))
    (folder / "policy.yaml").write_text(POLICY.format(stream=os.environ[STREAM]))
    (folder / "people.yaml").write_text("roles:\n  process_owner: [petra]\n")
    made = Guard.from_policy(
        folder / "policy.yaml",
        people=folder / "people.yaml",
        store=f"sqlite:///{folder}/handrail.db",
        observe=_count,
    )
    atexit.register(made.close)
    # What is read from files is read now: some suites forbid that from within an event loop.
    made(_echo)("Anna Berg of Berlin asks: ready?")
    _judged[0] = 0
    return made


def _echo(text: str) -> str:
    return text
