"""Where a library of the extra is missing, the operator reads what to install."""

from __future__ import annotations

import subprocess
import sys

import pytest

from app.calibration.extras import ExtraMissing, needed


def test_a_missing_library_says_what_to_install() -> None:
    with pytest.raises(ExtraMissing, match=r"^leftpad is not installed: pip install 'tessera\[calibrate\]'"), needed("leftpad"):
        raise ImportError("No module named 'leftpad'")


def test_scoring_loads_no_library_of_the_extra_until_it_is_used() -> None:
    probe = (
        "import sys; import app.calibration.scoring, app.calibration.bootstrap, app.calibration.loading\n"
        "print([name for name in ('pycocotools', 'matplotlib', 'sklearn', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
