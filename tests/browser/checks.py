"""What must hold of every page: no accessibility violation, nothing wider than the window, no component left unrendered."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.pages import PageCase

AXE_OPTIONS = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}


def open_case(page: Page, case: PageCase) -> Page:
    """Go from the list to the object, where the case asks for it."""
    if case.follow:
        page.locator(case.follow).first.click()
        page.wait_for_load_state()
    return page


def violations(page: Page) -> list[str]:
    """Return what axe finds, each with the first element it is about."""
    found = Axe().run(page, options=AXE_OPTIONS).response["violations"]
    return [f"{rule['id']}: {rule['help']}: {rule['nodes'][0]['html'][:160]}" for rule in found]


def overflow(page: Page) -> int:
    """Return by how many pixels the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def unrendered(page: Page) -> bool:
    return "<c-" in page.content()
