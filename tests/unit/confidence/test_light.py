import subprocess
import sys

HEAVY = ("numpy", "scipy", "pydantic", "matplotlib")
PARTS = (
    "",
    ".calibration.apply",
    ".calibration.sampling",
    ".calibration.drift",
    ".capabilities",
    ".cascade",
    ".scorers.grounding",
    ".scorers.verbalised",
)


def test_scoring_one_answer_loads_no_numeric_library() -> None:
    used = ", ".join(f"handrail.confidence{part}" for part in PARTS)
    program = f"import sys, {used}; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
