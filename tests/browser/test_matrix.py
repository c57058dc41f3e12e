"""Every page in every theme and width."""

import pytest

from tests.browser.checks import open_case, overflow, violations
from tests.browser.conftest import Visit
from tests.browser.pages import OVERFLOW_WIDTHS, PAGES, THEMES, WIDTHS, PageCase

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("case", PAGES, ids=lambda case: case.name)
def test_page_in_each_theme_and_width_it(case: PageCase, theme: str, width: int, visit: Visit) -> None:
    page = open_case(visit(case.user, case.path, theme=theme, width=width), case)
    assert violations(page) == []
    assert overflow(page) == 0


@pytest.mark.parametrize("case", PAGES, ids=lambda case: case.name)
def test_page_fits_every_width_it(case: PageCase, visit: Visit) -> None:
    page = open_case(visit(case.user, case.path, width=OVERFLOW_WIDTHS[-1]), case)
    too_wide = {}
    for width in OVERFLOW_WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        if over := overflow(page):
            too_wide[width] = over
    assert too_wide == {}
