"""One check of one answer in other libraries, each in an environment of its own.

The environments lie in `$HANDRAIL_BENCH_VENVS` (by default `./.venv-peers`); `--install-peers` makes them.
"""

import json
import os
import subprocess
from dataclasses import dataclass

from benchmarks import peers

TIMEOUT_S = 600

# What every script has in common: the text, and CPU microseconds of one check as the median of blocks.
HEAD = """
import json, statistics, sys, time, warnings
warnings.simplefilter("ignore")
given = json.loads(sys.stdin.read())
text, calls = given["text"], given["calls"]
def report(check):
    check()
    blocks = []
    for _ in range(5):
        start = time.process_time_ns()
        for _ in range(calls):
            check()
        blocks.append((time.process_time_ns() - start) / calls / 1000)
    print(json.dumps({"cpu_us": statistics.median(blocks)}))
"""


@dataclass(frozen=True)
class Peer:
    """Another library: what is installed, a script that times one check of a text, and the least ratio."""

    name: str
    figure: str
    package: str
    script: str
    bar: float

    @property
    def name_of_environment(self) -> str:
        """The package without its version."""
        return self.package.partition("==")[0]


PEERS = (
    Peer(
        "openai-guardrails 0.3.6, secret keys",
        "ratio_openai_guardrails",
        "openai-guardrails==0.3.6",
        """
import asyncio
from guardrails.checks.text.secret_keys import SecretKeysCfg, secret_keys
config = SecretKeysCfg(threshold="balanced")
loop = asyncio.new_event_loop()
report(lambda: loop.run_until_complete(secret_keys(None, text, config)))
""",
        bar=60.0,
    ),
    Peer(
        "NeMo Guardrails 0.24.1, two regexes",
        "ratio_nemo",
        "nemoguardrails==0.24.1",
        r"""
import asyncio
from nemoguardrails import LLMRails, RailsConfig
config = RailsConfig.from_content(yaml_content='''
models: []
rails:
  config:
    regex_detection:
      output:
        patterns: ["[a-z0-9._]+@[a-z0-9.]+", "sk-[A-Za-z0-9]{20,}"]
  output:
    flows: [regex check output]
''')
rails = LLMRails(config)
loop = asyncio.new_event_loop()
messages = [{"role": "user", "content": "Where is my order?"}, {"role": "assistant", "content": text}]
report(lambda: loop.run_until_complete(rails.check_async(messages)))
""",
        bar=60.0,
    ),
    Peer(
        "guardrails-ai 0.11.0, one regex",
        "ratio_guardrails_ai",
        "guardrails-ai==0.11.0",
        r"""
import re
from guardrails import Guard
from guardrails.validators import FailResult, PassResult, Validator, register_validator
@register_validator(name="own/no_email", data_type="string")
class NoEmail(Validator):
    def _validate(self, value, metadata):
        found = re.search(r"[a-z0-9._]+@[a-z0-9.]+", value)
        return FailResult(error_message="found") if found else PassResult()
guard = Guard().use(NoEmail(on_fail="noop"))
guard._disable_tracer = True
report(lambda: guard.validate(text))
""",
        bar=20.0,
    ),
    Peer(
        "LangChain 1.5.2 PIIMiddleware, all five",
        "ratio_langchain_pii",
        "langchain==1.5.2",
        """
from langchain.agents.middleware import PIIMiddleware
from langchain_core.messages import AIMessage
kinds = ("email", "credit_card", "ip", "mac_address", "url")
rails = [PIIMiddleware(kind, strategy="redact", apply_to_output=True) for kind in kinds]
state = {"messages": [AIMessage(text)]}
report(lambda: [rail.after_model(state, None) for rail in rails])
""",
        bar=3.0,
    ),
)


def install() -> None:
    """Make the environments; one that cannot be made is reported and left out."""
    peers.install({peer.name_of_environment: peer.package for peer in PEERS})


def measure(peer: Peer, text: str, *, quick: bool) -> float | None:
    """Return CPU microseconds of one check, None (with a message) where the peer is not there."""
    python = peers.python_of(peer.name_of_environment)
    if not python.exists():
        print(f"skipped: {peer.name} is not installed; run with --install-peers")
        return None
    given = json.dumps({"text": text, "calls": 20 if quick else 100})
    # They must not send anything anywhere while they are measured.
    quiet = {"OTEL_SDK_DISABLED": "true", "NEMO_GUARDRAILS_TELEMETRY": "0", "OPENAI_API_KEY": "none"}
    ran = subprocess.run(
        [str(python), "-P", "-c", HEAD + peer.script],
        input=given,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
        env={**os.environ, **quiet},
    )
    lines = [line for line in ran.stdout.splitlines() if line.startswith('{"cpu_us"')]
    if ran.returncode != 0 or not lines:
        told = (ran.stderr.strip().splitlines() or ["no output"])[-1]
        print(f"skipped: {peer.name} does not run here: {told[:200]}")
        return None
    figure: float = json.loads(lines[-1])["cpu_us"]
    return figure
