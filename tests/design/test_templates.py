"""What the templates must never send: unrendered components, inline styles, inline scripts."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.template.loader import render_to_string
from django.test import RequestFactory

from ledgerops import context, styleguide
from ledgerops.lib import diff
from ledgerops.lib.errors import RefusalKind
from ledgerops.lib.money import AmountRefused
from ledgerops.templatetags import ui
from ledgerops.templatetags.charts import Step, line_chart, match_ribbon, mirror_bars, waterfall

TEMPLATES = Path(settings.BASE_DIR) / "templates"
ERRORS = ("400", "403", "404", "409", "422")


def rendered(name: str, values: dict[str, object] | None = None, **cookies: str) -> str:
    request = RequestFactory().get("/styleguide/", headers={"X-Request-ID": "7f31"})
    request.COOKIES.update(cookies)
    request.user = AnonymousUser()
    return render_to_string(name, values or {}, request)


def test_the_style_guide_is_rendered_whole_and_obeys_the_policy() -> None:
    page = rendered("styleguide.html", styleguide.samples())
    assert "<c-" not in page
    assert "{{" not in page
    assert "{%" not in page
    assert not re.search(r"\sstyle=", page)
    assert not re.search(r"\son\w+=", page)
    assert not re.findall(r"<script(?![^>]*\bsrc=)", page)
    assert "data:" not in page


@pytest.mark.parametrize("path", sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html")))
def test_no_template_holds_inline_style_or_script(path: str) -> None:
    text = (TEMPLATES / path).read_text()
    assert not re.search(r"\s(style|on[a-z]{3,}|hx-on[:\w-]*)=", text)
    assert not re.findall(r"<script(?![^>]*\bsrc=)", text)


def test_theme_density_and_keys_come_from_cookies_and_unknown_words_do_not() -> None:
    page = rendered("styleguide.html", styleguide.samples(), theme="dark", density="compact", keys="off")
    assert '<html lang="en" data-theme="dark" data-density="compact" data-keys="off">' in page
    assert 'data-theme="auto"' in rendered("errors/404.html", theme='"><script>')


@pytest.mark.parametrize("status", ERRORS)
def test_error_pages_say_what_was_not_changed_and_the_reference(status: str) -> None:
    page = rendered(f"errors/{status}.html")
    assert "Nothing was changed." in page
    assert "<code>7f31</code>" in page


def test_the_page_of_a_failure_needs_no_context() -> None:
    assert "Something failed here" in render_to_string("errors/500.html")


@pytest.mark.parametrize("template", ["errors/refusal.html", "errors/fragment.html"])
def test_a_refusal_is_shown_with_its_sentence(template: str) -> None:
    page = rendered(template, {"refusal": AmountRefused("write an amount like 1,234.50")})
    assert "write an amount like 1,234.50." in page
    assert "Nothing was changed." in page
    assert "<c-" not in page


def test_every_icon_that_is_named_exists() -> None:
    named = {look.icon for look in ui.LOOKS.values()} | {place.icon for _, places in context.GROUPS for place in places}
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text()
        named |= set(re.findall(r'\{% icon "([\w-]+)" %\}', text)) | set(re.findall(r'icon_name="([\w-]+)"', text))
    for name in named:
        assert ui.icon(name).startswith("<svg")


def test_navigation_keys_are_distinct() -> None:
    keys = [place.go for _, places in context.GROUPS for place in places]
    assert len(keys) == len(set(keys))


def test_every_kind_of_refusal_has_a_heading() -> None:
    headings = {render_to_string("errors/heading.html", {"refusal": {"kind": kind}}).strip() for kind in RefusalKind}
    assert len(headings) == len(RefusalKind)


def test_values_are_shown_as_people_read_them() -> None:
    assert ui.money_signed(3_000, 2) == "+30.00"
    assert ui.money(None, 2) == "\u2014"
    assert ui.plain_amount(-1_890_000, 2) == "-18900.00"
    assert [ui.age_class(days) for days in (0, 1, 2, 3, 4, 7, 8)] == [1, 1, 2, 2, 3, 3, 4]
    assert (ui.initials("analyst"), ui.initials("senior approver"), ui.initials("")) == ("AN", "SA", "")
    assert ui.look("some_new_word").word == "Some new word"


def test_text_from_outside_is_escaped_in_comparisons() -> None:
    assert "<b>" not in ui.marked(diff.text("a", "<b>").right)


def test_charts_stand_still_on_nothing_and_on_one_value() -> None:
    assert line_chart([], "Rate") == {}
    assert mirror_bars([], "Breaks") == {}
    assert line_chart([("1 Nov", 98.0)], "Rate")["last_place"][0] == 36
    assert mirror_bars([("1 Nov", 0, 0)], "Breaks")["highest"] == 1
    assert waterfall([], "Nothing", 2, "USD")["bars"] == []
    level = [Step("Ledger", 100, is_balance=True), Step("Fees", -100), Step("Statement", 0, is_balance=True)]
    assert [bar["height"] > 0 for bar in waterfall(level, "To zero", 2, "USD")["bars"]] == [True, True, True]


def test_a_ribbon_joins_two_sides_as_far_as_they_agree() -> None:
    drawn = match_ribbon([("Ledger", [60, 40]), ("Statement", [75])], "two against one")
    assert [bar["width"] for bar in drawn["bars"]] == [190.5, 126.5, 238.5]
    assert drawn["rest"] == {"x": 240.0, "y": 0, "width": 80.0}
    assert match_ribbon([("Ledger", [60]), ("Statement", [60])], "equal")["rest"] is None
    assert match_ribbon([("Ledger", [60, -10]), ("Statement", [50])], "both ways") == {}
    assert match_ribbon([("Ledger", [60]), ("Statement", [])], "one side") == {}
