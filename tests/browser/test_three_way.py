"""An analyst sets up a reconciliation of three sides from files alone, understands what did not match, and improves a rule."""

import re
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.three_way_files import BANK_ACCOUNT, Files, write_files

BANK, PROCESSOR = "1510-EUR", "1410-EUR"
NAME = "Card payouts, three-way"
ONCE_DONE = 60_000  # milliseconds
# What the page of a break says of why it was left, by what went wrong.
REASONS = {
    "bank is slow": r"dates lie 3 business days apart; the rule allows 1",
    "digits of the amount swapped": r"Two digits changed places",
    "bank took a charge": r"is there with different amounts: Ledger .*, Processor .*, Bank",
    "not at the bank": r"Ledger and Processor agree on it; Bank does not have it",
    "not in the ledger": r"Processor and Bank agree on it; Ledger does not have it",
    "reference mistyped": r"nearly the same: a slip of the hand\?",
    "charge of the account": r"gives no reference that identifies this movement",
}


def test_three_way_from_files_alone_it(visit: Visit, tmp_path: Path) -> None:
    files = write_files(tmp_path, today=datetime.now(tz=UTC).date(), bank_account=BANK, clearing_account=PROCESSOR)
    analyst = visit("analyst")
    _deliver(analyst, files)
    journal = _submit_the_journal(analyst, files)
    _approve(visit("approver", journal), done="as posted")

    reconciliation = _set_up(analyst)
    _run_to_the_end(analyst)
    analyst.goto(reconciliation)
    before = _rate(analyst)
    assert 0.5 < before < 0.9

    slow = _understand(analyst)
    _improve(analyst, slow)
    _approve(visit("approver", _submit_the_rules(analyst)), done="in force")

    analyst.goto(reconciliation)
    _run_to_the_end(analyst)
    analyst.goto(reconciliation)
    # Six payouts of three sides each, which the bank only showed later.
    assert round((_rate(analyst) - before) * _items(analyst)) == 6 * 3


def _deliver(page: Page, files: Files) -> None:
    """Register the processor and upload its report from its page; upload the bank's statement and register its account from there."""
    page.goto("/sources/new/?kind=processor")
    page.get_by_role("textbox", name="Name", exact=True).fill("Card processor EUR")
    page.get_by_label("Account as its files name it").fill("PSP-EUR")
    page.locator("#id_code").fill("psp-eur")
    page.locator("#id_account").select_option("new")
    page.locator("#id_asset").select_option("EUR")
    page.locator("#id_account_code").fill(PROCESSOR)
    page.locator("#id_group").select_option(label="Bank accounts")
    page.get_by_role("button", name="Register the source").click()
    page.get_by_role("link", name="Upload a file").click()
    _upload(page, files.report)
    page.get_by_role("button", name="Accept and reconcile").click()
    page.wait_for_url("**/runs/**")

    page.goto("/statements/upload/")
    _upload(page, files.bank)
    expect(page.locator("main")).to_contain_text(BANK_ACCOUNT)
    page.get_by_role("textbox", name="Name", exact=True).fill("Settlement bank EUR")
    page.locator("#id_account_code").fill(BANK)
    page.get_by_role("button", name="Register account").click()
    expect(page.locator("main")).to_contain_text("Proven")
    page.get_by_role("button", name="Accept and reconcile").click()
    page.wait_for_url("**/runs/**")


def _upload(page: Page, file: Path) -> None:
    page.set_input_files("input[type=file]", file)
    page.get_by_role("button", name="Upload and preview").click()
    page.wait_for_url("**/statements/files/**")


def _submit_the_journal(page: Page, files: Files) -> str:
    page.goto("/journals/upload/")
    page.set_input_files("input[type=file]", files.journal)
    page.get_by_role("button", name="Read and preview").click()
    page.locator("#id_reason_code").select_option("JOURNAL_OTHER")
    page.get_by_label(re.compile("^Why")).fill("Payouts of the card processor as it announced them.")
    page.get_by_role("button", name="Submit for approval").click()
    page.wait_for_url("**/approvals/**")
    return page.url


def _approve(page: Page, *, done: str) -> None:
    page.get_by_role("radio", name="Approve").check()
    page.get_by_role("button", name=re.compile("^Approve")).click()
    expect(page.locator("main")).to_contain_text(re.compile(f"{done}|Approved|Posted"), timeout=ONCE_DONE)
    expect(page.get_by_role("radio", name="Approve")).to_have_count(0)


def _set_up(page: Page) -> str:
    """Say what the three sides are; of the processor's lines only payouts, which leave it when they come in at the bank."""
    page.goto("/reconciliations/new/")
    page.locator("#id_name").fill(NAME)
    page.locator("#id_asset").select_option("EUR")
    sides = (("Ledger", f"{BANK} "), ("Processor", "Card processor EUR, EUR"), ("Bank", "Settlement bank EUR, EUR"))
    for number, (name, of) in enumerate(sides):
        page.locator(f"#id_s{number}-name").fill(name)
        offered = page.locator(f"#id_s{number}-of option", has_text=of).first
        page.locator(f"#id_s{number}-of").select_option(offered.get_attribute("value"))
    page.locator("#id_s1-sign").select_option("-1")
    page.locator("details.more-fields summary").nth(1).click()
    page.locator("#id_s1-codes").fill("payout")
    page.get_by_role("button", name="Set up the reconciliation").last.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(NAME)
    return page.url


def _run_to_the_end(page: Page) -> None:
    """Start a run and watch it: each pass is there from the beginning, and the page says by itself that the run has ended."""
    page.get_by_role("button", name="Run it now").click()
    page.wait_for_url("**/runs/**")
    expect(page.get_by_role("row", name=re.compile("Same reference, same amount"))).to_be_visible()
    expect(page.get_by_text("Finished").first).to_be_visible(timeout=ONCE_DONE)


def _rate(page: Page) -> float:
    said = re.search(r"([\d,]+) of ([\d,]+) items", page.locator("main").inner_text())
    assert said is not None
    matched, items = (int(one.replace(",", "")) for one in said.groups())
    return matched / items


def _items(page: Page) -> int:
    said = re.search(r"of ([\d,]+) items", page.locator("main").inner_text())
    assert said is not None
    return int(said[1].replace(",", ""))


def _understand(page: Page) -> str:
    """Open the breaks of the run one by one: each says why, and together they say everything that went wrong. Return a slow one."""
    page.get_by_role("link", name=re.compile(r"^Run \d+")).first.click()
    links = page.locator("table a[href^='/breaks/']")
    paths = [links.nth(number).get_attribute("href") for number in range(links.count())]
    assert len(paths) >= 10
    why: dict[str, list[str]] = {name: [] for name in REASONS}
    for path in paths:
        assert path is not None
        page.goto(path)
        said = page.locator("p.why").inner_text()
        name = next((one for one, words in REASONS.items() if re.search(words, said)), None)
        assert name is not None, said
        why[name].append(path)
    assert {name: len(found) for name, found in why.items() if not found} == {}
    return why["bank is slow"][0]


def _improve(page: Page, slow: str) -> None:
    """Draft a rule from a slow break, see what it would do, and keep it."""
    page.goto(slow)
    page.get_by_role("link", name="Draft a rule").click()
    expect(page.locator("main")).to_contain_text("Its dates lie 3 business days apart")
    page.get_by_role("button", name="Back-test on decisions").click()
    expect(page.get_by_text("6 added").or_(page.locator(".stat", has_text="Matches that come").filter(has_text="6")).first).to_be_visible(
        timeout=ONCE_DONE
    )
    page.get_by_role("button", name="Keep as a draft").click()
    page.wait_for_url("**/versions/2/")


def _submit_the_rules(page: Page) -> str:
    page.locator("#id_reason_code").select_option("RULES_MORE")
    page.get_by_label(re.compile("^Why")).fill("The bank credits payouts up to three business days late; nothing else comes near.")
    page.get_by_role("button", name="Submit for approval").click()
    page.wait_for_url("**/approvals/**")
    return page.url
