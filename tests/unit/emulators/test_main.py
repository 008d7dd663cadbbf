"""`python -m app.emulators`."""

from __future__ import annotations

import pytest

from app.emulators.__main__ import main


@pytest.mark.parametrize("arguments", [[], ["nobody"], ["rekognition", "--port", "many"]])
def test_a_wrong_command_line_ends_with_its_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("usage: python -m app.emulators")
