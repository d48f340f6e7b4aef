"""Five minutes of coverage-guided fuzzing of the loader and the grammar."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("atheris", reason="atheris is not installed: pip install atheris")

SCRIPT = """
import sys
import atheris
with atheris.instrument_imports():
    from handrail.errors import PolicyError
    from handrail.policy.language.parse import parse
    from handrail.policy.file.compile import compile_policy
    from handrail.policy.language.ast import ExpressionError

def once(data):
    provider = atheris.FuzzedDataProvider(data)
    if provider.ConsumeBool():
        try:
            parse(provider.ConsumeUnicode(2500))
        except ExpressionError:
            pass
    else:
        policy, problems = compile_policy(provider.ConsumeUnicode(4000), file="p")
        assert policy is not None or all(isinstance(problem, PolicyError) for problem in problems)

atheris.Setup(sys.argv, once)
atheris.Fuzz()
"""


@pytest.mark.slow
def test_no_text_crashes_or_hangs_the_loader(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    shipped = Path(__file__).parents[3] / "policies" / "handrail_policies"
    for path in shipped.glob("*.yaml"):
        (corpus / path.name).write_bytes(b"\0" + path.read_bytes()[:4000])
    script = tmp_path / "fuzz.py"
    script.write_text(SCRIPT)
    seconds = os.environ.get("HANDRAIL_FUZZ_SECONDS", "300")
    command = [
        sys.executable,
        str(script),
        str(corpus),
        f"-max_total_time={seconds}",
        "-timeout=10",
        "-max_len=4500",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
