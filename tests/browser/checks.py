"""What must hold of every page: no accessibility violation, nothing wider than the window, no component left unrendered."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.pages import PageCase

# Only violations are told in full: telling everything that was looked at takes longer than looking.
AXE_OPTIONS = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
    "resultTypes": ["violations"],
}


def open_case(page: Page, case: PageCase) -> Page:
    """Go from the list to the object, where the case asks for it."""
    for link in (case.follow, case.then):
        if link:
            page.locator(link).first.click()
            page.wait_for_load_state()
    return page


def violations(page: Page) -> list[str]:
    """Return what axe finds, each with the first element it is about."""
    found = Axe().run(page, options=AXE_OPTIONS).response["violations"]
    return [f"{rule['id']}: {rule['help']}: {rule['nodes'][0]['html'][:160]}" for rule in found]


SETTLED = """async () => {
    await document.fonts.ready;
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const root = document.documentElement;
    const wide = [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > root.clientWidth + 1);
    return [root.scrollWidth - root.clientWidth, wide.slice(0, 4).map((one) => one.outerHTML.slice(0, 120))];
}"""


def overflow(page: Page) -> int:
    """Return by how many pixels the page is wider than its window, once its fonts are there and a new width is laid out."""
    for _ in range(5):
        over, widest = page.evaluate(SETTLED)
        if not over:
            return 0
        page.wait_for_timeout(200)
    print(f"{page.url} is {over} px too wide: {widest}")  # noqa: T201 (shown with a failure)
    return int(over)


def unrendered(page: Page) -> bool:
    return "<c-" in page.content()
