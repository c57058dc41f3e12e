"""The screenshots of the README, taken anew by `make screenshots`; run by name only."""

from pathlib import Path

import pytest

from tests.browser.checks import open_case
from tests.browser.conftest import Visit
from tests.browser.pages import PageCase

FOLDER = Path(__file__).resolve().parent.parent.parent / "docs" / "screenshots"

SHOTS = [
    ("overview", PageCase("", "analyst", "/"), "light", 1440),
    ("breaks", PageCase("", "analyst", "/breaks/"), "light", 1440),
    ("break", PageCase("", "analyst", "/breaks/?type=amount", "tbody th a, tbody td a"), "light", 1440),
    ("break-dark", PageCase("", "analyst", "/breaks/?type=amount", "tbody th a, tbody td a"), "dark", 1440),
    ("break-phone", PageCase("", "analyst", "/breaks/?type=amount", "tbody th a, tbody td a"), "light", 390),
    ("statements", PageCase("", "analyst", "/statements/"), "light", 1440),
    ("trial-balance", PageCase("", "controller", "/ledger/trial-balance/"), "light", 1440),
]


@pytest.mark.parametrize(("name", "case", "theme", "width"), SHOTS, ids=[shot[0] for shot in SHOTS])
def test_screenshot(name: str, case: PageCase, theme: str, width: int, visit: Visit) -> None:
    FOLDER.mkdir(exist_ok=True)
    page = open_case(visit(case.user, case.path, theme=theme, width=width), case)
    page.screenshot(path=FOLDER / f"{name}.png")


def test_screenshot_of_a_review(visit: Visit) -> None:
    """Propose an adjustment first, so that there is something to review."""
    analyst = visit("analyst", "/breaks/?type=amount")
    analyst.locator("tbody th a, tbody td a").first.click()
    analyst.get_by_label("Reason").select_option("CHARGES_DEDUCTED")
    analyst.locator("textarea[name=narrative]").fill("The correspondent bank deducted its charge from the principal.")
    analyst.get_by_text("Balanced").wait_for()
    analyst.get_by_role("button", name="Submit for approval").click()
    analyst.get_by_text("ADJ-").first.wait_for()
    approver = visit("approver", "/approvals/")
    approver.locator("tbody th a, tbody td a").first.click()
    approver.get_by_role("radio", name="Approve").check()
    approver.screenshot(path=FOLDER / "review.png")
