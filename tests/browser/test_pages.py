"""Each page once in the browser, under the real policy: an empty console, nothing too wide, no accessibility violation."""

import pytest

from tests.browser.checks import open_case, overflow, unrendered, violations
from tests.browser.conftest import Visit
from tests.browser.pages import PAGES, PageCase


@pytest.mark.parametrize("case", PAGES, ids=lambda case: case.name)
def test_page_it(case: PageCase, visit: Visit) -> None:
    page = open_case(visit(case.user, case.path), case)
    assert not unrendered(page)
    assert overflow(page) == 0
    assert violations(page) == []
