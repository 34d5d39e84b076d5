"""Pictures of the pages: kept where CHURNWATCH_SCREENSHOTS points (docs/screenshots), else thrown away after the test."""

import os
from pathlib import Path

import pytest

from tests.browser.conftest import VisitMaker

DESKTOP = {"viewport": {"width": 1280, "height": 860}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "device_scale_factor": 2}
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("inbox", "/inbox/m-17"),
        ("customer", "/customers/ACC-10012"),
        ("porting", "/customers/ACC-20481?days=180"),
        ("owners", "/"),
        ("team", "/team"),
        ("rules", "/rules"),
        ("reports", "/reports"),
        ("report", "/reports/satisfaction?month=2026-10"),
        ("audit", "/audit"),
    ],
)
def test_each_page_has_a_picture(
    open_visit: VisitMaker, tmp_path: Path, name: str, path: str, language: str, theme: str
) -> None:
    folder = Path(os.environ.get("CHURNWATCH_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    for device, options in (("desktop", DESKTOP), ("phone", PHONE)):
        if device == "phone" and (language, theme) != ("zh", "light"):
            continue
        visit = open_visit(**options)
        visit.go(f"{path}{'&' if '?' in path else '?'}lang={language}&theme={theme}")
        if name == "rules":
            visit.page.fill('[name="soft.spend_drop.warn_at"]', "0.5")
            visit.page.click("form.rules p.buttons button")
            visit.page.wait_for_selector(".verdict")
        file = folder / f"{name}-{device}-{language}-{theme}.png"
        visit.page.screenshot(path=file, full_page=True)
        assert file.read_bytes().startswith(PNG)
        assert visit.complaints == []
