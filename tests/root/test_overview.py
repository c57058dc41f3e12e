"""The overview, search, health and errors: pages of no single app."""

import io
from collections.abc import Callable
from datetime import date
from unittest.mock import patch

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from approvals import operations as approvals
from approvals.models import User
from ledgerops import health
from recon import operations as recon
from recon.models import Break, Reconciliation, Run, Source
from recon.queries import standing_of
from tests.fixtures import Post, signed_in
from tests.notation import writes_nothing

# Ten cards and the frame.
MOST_QUERIES = 25
STARTED = date(2026, 3, 2)

STATEMENT = b"""{1:F01AAAABBCCAXXX0000000000}{2:I940AAAABBCCXXXXN}{4:
:20:S1
:25:DE00
:28C:1/1
:60F:C260301USD0,00
:61:2603020302C10,00NTRFINV-1001//B1
:86:Payment of Northwind
:61:2603020302D0,50NCHGNONREF//B2
:86:Fee
:62F:C260302USD9,50
-}
"""


@pytest.fixture
def source(roles: None) -> Source:
    """Register the bank account behind 1010, in sight of every role but the stranger's."""
    found = recon.register_source(code="bank", name="Harbor operating", identifier="DE00", account="1010")
    for role in ("Analyst", "Approver", "Controller", "Administrator", "Auditor"):
        approvals.grant_sight(role=role, scope_object=found)
    return found


@pytest.fixture
def reconciled(source: Source, maker: User, post: Post) -> Run:
    """Post two entries, take in a statement that knows one of them and a fee, and compare."""
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD", reference="INV-1001", counterparty="Northwind", day=STARTED)
    post("1010 debit 3.00 USD / 2010 credit 3.00 USD", reference="INV-1002", counterparty="Orchard", day=STARTED)
    file, _ = recon.receive_file(name="s.sta", content=io.BytesIO(STATEMENT), maximum_bytes=10**6, received_by_id=maker.pk)
    (run,) = recon.accept_file(file_id=file.pk, source_ids=[source.pk])
    return recon.execute_run(run_id=run.pk)


# Overview


@pytest.mark.parametrize("role", ["Analyst", "Approver", "Controller", "Administrator", "Auditor", "Stranger"])
def test_everybody_has_an_overview(person: Callable[[str, str], User], reconciled: Run, role: str) -> None:
    browser = signed_in(person("reader", role))
    # What is asked once in a process, and written once in a while of a session, is no cost of the page.
    browser.get("/")
    with CaptureQueriesContext(connection) as captured:
        response = browser.get("/")
    assert response.status_code == 200
    assert b"<c-" not in response.content
    assert len(captured) <= MOST_QUERIES


def test_it_counts_what_the_reader_sees_and_leads_there(maker: User, reconciled: Run) -> None:
    shown = signed_in(maker).get("/").context["shown"]
    assert (shown.breaks.figures.total, shown.breaks.figures.past_limit) == (Break.objects.count(), Break.objects.count())
    (row,) = shown.breaks.heat
    assert [cell.count for cell in row.cells] == [0, 0, 0, row.total.count]
    listed = signed_in(maker).get(row.cells[3].href)
    assert listed.status_code == 200
    assert all(one.public_number in listed.content.decode() for one in Break.objects.all())


def test_a_stranger_is_shown_nothing(stranger: User, reconciled: Run) -> None:
    shown = signed_in(stranger).get("/").context["shown"]
    assert (shown.breaks.figures.total, list(shown.breaks.heat), list(shown.standings), list(shown.posted)) == (0, [], [], [])
    assert list(shown.deliveries.feeds) == []


def test_an_administrator_sees_statements_and_none_of_the_books(person: Callable[[str, str], User], reconciled: Run) -> None:
    shown = signed_in(person("administrator", "Administrator")).get("/").context["shown"]
    assert (shown.breaks, shown.standings, shown.posted, shown.match_rate) == (None, None, None, None)
    assert len(shown.deliveries.feeds) == 1


def test_each_account_stands_explained_before_and_after_a_run(reconciled: Run, post: Post) -> None:
    def explained() -> tuple[int, int | None, int, int, int | None]:
        one = standing_of(Reconciliation.objects.select_related("source__account__balance", "source__asset").get())
        return one.ledger_minor, one.external_minor, one.open_items_minor, one.uncompared_minor, one.unexplained_minor

    assert explained() == (1300, 950, 350, 0, 0)
    post("1010 debit 7.00 USD / 2010 credit 7.00 USD")
    assert explained() == (2000, 950, 350, 700, 0)


def test_progress_is_asked_for_alone_until_the_runs_have_ended(maker: User, reconciled: Run) -> None:
    browser = signed_in(maker)
    asked = {"HX-Request": "true", "HX-Target": "runs"}
    ended = browser.get("/", headers=asked)
    assert (ended.headers["HX-Refresh"], ended.content) == ("true", b"")
    recon.request_run(reconciliation_id=reconciled.reconciliation_id, requested_by_id=maker.pk)
    fragment = browser.get("/", headers=asked).content.decode()
    assert "waits for a worker" in fragment
    assert "<html" not in fragment


# Search


@pytest.mark.parametrize(
    ("words", "titles"),
    [
        ("INV-100", {"Breaks", "Entries"}),
        ("orchard", {"Breaks"}),
        ("le-", set()),
        ("1010", {"Accounts"}),
        ("harbor", {"Statements"}),
        ("x", set()),
        ("", set()),
    ],
)
def test_it_finds_what_people_have_in_hand(maker: User, reconciled: Run, words: str, titles: set[str]) -> None:
    groups = signed_in(maker).get("/search/", {"q": words}).context["groups"]
    assert {group.title for group in groups} == titles


def test_a_number_with_its_letters_is_of_one_kind(maker: User, reconciled: Run) -> None:
    number = Break.objects.earliest("number").public_number
    (group,) = signed_in(maker).get("/search/", {"q": number.lower()}).context["groups"]
    assert [hit.reference for hit in group.hits] == [number]


def test_every_hit_opens(maker: User, reconciled: Run) -> None:
    browser = signed_in(maker)
    for words in ("INV-100", "1010", "harbor"):
        for group in browser.get("/search/", {"q": words}).context["groups"]:
            for hit in group.hits:
                assert browser.get(hit.href).status_code == 200, hit


def test_a_stranger_finds_nothing(stranger: User, reconciled: Run) -> None:
    for words in ("INV-100", "orchard", "1010", "harbor", Break.objects.earliest("number").public_number):
        assert signed_in(stranger).get("/search/", {"q": words}).context["groups"] == [], words


def test_the_palette_gets_hits_alone_as_options(maker: User, reconciled: Run) -> None:
    fragment = signed_in(maker).get("/search/", {"q": "INV-100"}, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in fragment
    assert fragment.count('role="option"') == 3
    assert "<c-" not in fragment


# Health, style guide, errors


def test_liveness_asks_nothing(db: None) -> None:
    with CaptureQueriesContext(connection) as captured:
        response = Client().get("/healthz/live")
    assert (response.status_code, response.json(), len(captured)) == (200, {"status": "live"}, 0)


def test_readiness_asks_database_and_broker(db: None) -> None:
    response = Client().get("/healthz/ready")
    assert (response.status_code, response.json()) == (200, {"status": "ready", "missing": []})


def test_readiness_names_what_does_not_answer(db: None) -> None:
    with patch.dict(health.ASKED, {"broker": lambda: False}):
        response = Client().get("/healthz/ready")
    assert (response.status_code, response.json()) == (503, {"status": "unready", "missing": ["broker"]})


def test_pages_want_a_signed_in_person(db: None) -> None:
    for page in ("/", "/search/", "/styleguide/"):
        response = Client().get(page)
        assert (response.status_code, response.headers["Location"]) == (302, f"/account/login/?next={page}"), page


def test_the_style_guide_renders_every_component(maker: User) -> None:
    response = signed_in(maker).get("/styleguide/")
    assert response.status_code == 200
    assert b"<c-" not in response.content


def test_what_is_not_there_is_said_in_the_form_that_was_asked_for(maker: User) -> None:
    browser = signed_in(maker)
    with writes_nothing():
        page, fragment, api = (
            browser.get("/nowhere/"),
            browser.get("/nowhere/", headers={"HX-Request": "true"}),
            browser.get("/api/nowhere"),
        )
    assert {page.status_code, fragment.status_code, api.status_code} == {404}
    assert "There is nothing here" in page.content.decode()
    assert "<html" not in fragment.content.decode()
    assert api.json()["error"]["code"] == "http_404"


def test_a_failure_is_said_with_its_reference_and_without_its_reason(maker: User) -> None:
    browser = signed_in(maker)
    browser.raise_request_exception = False
    with patch("ledgerops.views.overview_of", side_effect=RuntimeError("secret detail")):
        response = browser.get("/")
    assert response.status_code == 500
    assert "Something failed here" in response.content.decode()
    assert "secret detail" not in response.content.decode()
