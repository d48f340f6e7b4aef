"""Types survive guarding, for both type checkers that our users have."""

import json
import subprocess
import sys
from pathlib import Path

from mypy import api

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[2]


def test_mypy_sees_the_types_that_functions_had(tmp_path: Path) -> None:
    found, errors, code = api.run(
        [
            f"--config-file={ROOT / 'pyproject.toml'}",
            f"--cache-dir={tmp_path}",
            f"--python-executable={sys.executable}",
            "--follow-imports=silent",
            "--warn-unused-ignores",
            str(HERE / "guarded.py"),
        ]
    )
    assert (code, errors) == (0, ""), found


def test_pyright_sees_the_types_that_functions_had(tmp_path: Path) -> None:
    config = tmp_path / "pyrightconfig.json"
    config.write_text(
        json.dumps(
            {
                "include": [str(HERE / "guarded.py")],
                "extraPaths": [str(ROOT / "guardrails"), str(ROOT / "adapters"), str(ROOT / "policies")],
                "typeCheckingMode": "strict",
                "reportUnusedFunction": False,
                "reportUnnecessaryTypeIgnoreComment": True,
                "enableTypeIgnoreComments": False,
            }
        )
    )
    done = subprocess.run(
        [sys.executable, "-m", "basedpyright", "--project", str(config), "--pythonpath", sys.executable],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
