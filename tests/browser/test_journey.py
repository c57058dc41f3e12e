"""The main job as people do it: upload, accept, watch the run, investigate, propose, approve, follow the trail."""

import hashlib
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import Stack, Visit

NARRATIVE = "The correspondent bank deducted its charge from the principal."
ONCE_DONE = 30_000  # milliseconds


def test_the_main_job_it(stack: Stack, visit: Visit) -> None:
    file = _held_back(stack, ".xml")
    analyst = visit("analyst")
    _upload_and_accept(analyst, file)
    _watch_the_run(analyst)
    number, proposal_path = _propose(analyst)

    expect(analyst.get_by_role("heading", level=1)).to_contain_text(number)
    expect(analyst.get_by_text("somebody else must decide")).to_be_visible()
    expect(analyst.get_by_role("radio", name="Approve")).to_have_count(0)

    approver = visit("approver", "/approvals/")
    approver.locator(f"tbody a[href='{proposal_path}']").first.click()
    expect(approver.get_by_text("What changes")).to_be_visible()
    approver.get_by_role("radio", name="Approve").check()
    approver.get_by_role("button", name="Approve and post").click()
    expect(approver.get_by_text("as posted")).to_be_visible(timeout=ONCE_DONE)

    auditor = visit("auditor", proposal_path)
    auditor.get_by_role("link", name=re.compile(r"^LE-\d+")).first.click()
    auditor.locator("a[href^='/trail/']").first.click()
    trail = auditor.locator("main")
    for said in (number, "Operations Analyst", "Compliance Approver"):
        expect(trail).to_contain_text(said)
    _bytes_are_the_banks(auditor, stack)

    controller = visit("controller", "/ledger/trial-balance/")
    expect(controller.get_by_text("balanced", exact=False).first).to_be_visible()


def test_same_file_again_it(stack: Stack, visit: Visit) -> None:
    file = _held_back(stack, ".sta")
    analyst = visit("analyst", "/statements/upload/")
    _upload(analyst, file)
    first = analyst.url
    analyst.goto("/statements/upload/")
    _upload(analyst, file)
    assert analyst.url.partition("?")[0] == first.partition("?")[0]
    expect(analyst.locator("main")).to_contain_text("Nothing was changed")


def test_file_that_is_no_statement_it(stack: Stack, visit: Visit, tmp_path: Path) -> None:
    wrong = tmp_path / "holiday.txt"
    wrong.write_text("two weeks in the mountains")
    analyst = visit("analyst", "/statements/upload/")
    _upload(analyst, wrong)
    expect(analyst.locator("main")).to_contain_text("no statement format known here")
    expect(analyst.get_by_role("button", name="Accept")).to_have_count(0)


def test_keys_and_palette_it(visit: Visit) -> None:
    analyst = visit("analyst", "/breaks/")
    analyst.keyboard.press("j")
    analyst.keyboard.press("j")
    analyst.keyboard.press("x")
    expect(analyst.get_by_text(re.compile(r"1 selected"))).to_be_visible()
    analyst.keyboard.press("Escape")
    analyst.keyboard.press("Control+k")
    analyst.keyboard.type("trial")
    expect(analyst.locator("dialog[open] [role=option]").first).to_contain_text("Trial balance")
    analyst.keyboard.press("Enter")
    analyst.wait_for_url("**/ledger/trial-balance/**")


def test_filters_live_in_the_address_it(visit: Visit) -> None:
    analyst = visit("analyst", "/breaks/")
    analyst.get_by_label("Type").select_option("amount")
    analyst.wait_for_url(re.compile("type=amount"))
    expect(analyst.locator("tbody tr").first).to_contain_text("Amount mismatch")
    shown = analyst.locator("tbody tr").count()
    analyst.reload()
    assert analyst.locator("tbody tr").count() == shown


def _held_back(stack: Stack, suffix: str) -> Path:
    return min((stack.data_folder / "demo" / "to-upload").glob(f"*{suffix}"))


def _upload(page: Page, file: Path) -> None:
    page.set_input_files("input[type=file]", file)
    page.locator("main form[enctype] button[type=submit]").first.click()
    page.wait_for_url("**/statements/files/**")


def _upload_and_accept(page: Page, file: Path) -> None:
    page.goto("/statements/upload/")
    _upload(page, file)
    expect(page.locator("main")).to_contain_text(hashlib.sha256(file.read_bytes()).hexdigest())
    expect(page.locator("main")).to_contain_text("Proven")
    page.get_by_role("button", name="Accept and reconcile").click()


def _watch_the_run(page: Page) -> None:
    page.wait_for_url("**/runs/**")
    expect(page.get_by_text("Finished").first).to_be_visible(timeout=ONCE_DONE)


def _propose(page: Page) -> tuple[str, str]:
    """Propose an adjustment for the first amount break and return its number and the path of its page."""
    page.goto("/breaks/?type=amount")
    page.locator("tbody th a, tbody td a").first.click()
    page.get_by_label("Reason").select_option("CHARGES_DEDUCTED")
    page.get_by_label(re.compile("^Why")).fill(NARRATIVE)
    expect(page.get_by_text("Balanced")).to_be_visible(timeout=ONCE_DONE)
    page.get_by_role("button", name="Submit for approval").click()
    link = page.get_by_role("link", name=re.compile(r"ADJ-\d+")).first
    expect(link).to_be_visible(timeout=ONCE_DONE)
    number = re.search(r"BRK-\d+", page.locator("main").inner_text() + page.locator("nav").first.inner_text())
    link.click()
    page.wait_for_url("**/approvals/**")
    title = page.get_by_role("heading", level=1).inner_text()
    found = re.search(r"BRK-\d+", title) or number
    assert found is not None, title
    return found.group(), page.url.removeprefix(re.match(r"https?://[^/]+", page.url).group())  # type: ignore[union-attr]


def _bytes_are_the_banks(page: Page, stack: Stack) -> None:
    """The trail ends at a file: its bytes are stored under the hash that the page shows, and still have it."""
    digests = re.findall(r"[0-9a-f]{64}", page.locator("main").inner_text())
    stored = [path for digest in digests if (path := stack.data_folder / "files" / digest[:2] / digest).is_file()]
    assert stored, digests
    for path in stored:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
