"""`CART_RECOVERY_NO_SKIPS=1` leaves no way to skip unseen."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

CONFTEST = Path(__file__).resolve().parents[1] / "conftest.py"
SKIPS = {
    "called": "def test_it(): pytest.skip('because')",
    "marked": "@pytest.mark.skipif(True, reason='because')\ndef test_it(): pass",
    "module": "pytest.importorskip('a_module_that_nobody_has')\ndef test_it(): pass",
    "empty": "@pytest.mark.parametrize('case', [])\ndef test_it(case): pass",
    "no browser": "@pytest.mark.browser\ndef test_it(): pass",
}


@pytest.mark.parametrize("way", SKIPS)
@pytest.mark.parametrize("is_refused", [True, False])
def test_skip_fails_the_run_when_none_is_allowed(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, way: str, is_refused: bool
) -> None:
    monkeypatch.setenv("CART_RECOVERY_NO_SKIPS", "1" if is_refused else "0")
    monkeypatch.setenv("CHROMIUM", "a-browser-that-nobody-has")
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    pytester.makeini("[pytest]\nmarkers =\n    browser")
    pytester.makeconftest(CONFTEST.read_text())
    pytester.makepyfile("import pytest\n\n" + SKIPS[way])
    result = pytester.runpytest_subprocess("-p", "no:django", "-p", "no:cacheprovider")
    outcome = result.parseoutcomes()
    if is_refused:
        assert result.ret != 0
        assert "skipped" not in outcome
    else:
        assert outcome == {"skipped": 1}
