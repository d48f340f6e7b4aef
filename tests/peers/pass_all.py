"""A guard that judges everything and finds nothing, and how often it was asked."""

import atexit
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from handrail import Guard

STREAM = "HANDRAIL_PEERS_STREAM"
"""Name of the variable that says how streams are guarded: `hold` or `release`."""
COUNT = "HANDRAIL_PEERS_COUNT"
"""Name of the variable that names the file for the count of guarded calls."""

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


@cache
def guard() -> Guard:
    """Return the guard of this process; it counts what it is asked until the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="handrail-peers-"))
    (folder / "policy.yaml").write_text(POLICY.format(stream=os.environ[STREAM]))
    (folder / "people.yaml").write_text("roles:\n  process_owner: [petra]\n")
    made = Guard.from_policy(
        folder / "policy.yaml", people=folder / "people.yaml", store=f"sqlite:///{folder}/handrail.db"
    )
    atexit.register(made.close)
    return made


_asked = [0]


@atexit.register
def _told() -> None:
    if COUNT in os.environ:
        Path(os.environ[COUNT]).write_text(str(_asked[0]))


def counted(given: Any) -> Any:
    """Count one more call that a guard stands in the way of; returns what is given."""
    # In memory until the end: some suites forbid to write from within an event loop.
    _asked[0] += 1
    return given
