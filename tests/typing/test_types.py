"""Types survive guarding."""

import sys
from pathlib import Path

from mypy import api


def test_a_guarded_function_has_the_type_it_had(tmp_path: Path) -> None:
    file = Path(__file__).with_name("guarded.py")
    config = Path(__file__).parents[2] / "pyproject.toml"
    found, errors, code = api.run(
        [
            f"--config-file={config}",
            f"--cache-dir={tmp_path}",
            f"--python-executable={sys.executable}",
            "--follow-imports=silent",
            str(file),
        ]
    )
    assert (code, errors) == (0, ""), found
