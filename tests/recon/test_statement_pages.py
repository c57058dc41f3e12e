"""Pages of statements and files, by HTTP: upload, preview, registration, acceptance, lists, download."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from kombu.exceptions import OperationalError

from approvals.models import User
from audit.models import AuditEvent
from ledger.models import Account
from recon import tasks
from recon.models import Run, Source, Statement, StatementFile
from tests.concurrency import scene
from tests.fixtures import DAY, ENTITY, GROUP, Post, signed_in
from tests.notation import writes_nothing

CONTENT = scene.mt940(("C", 1000, "INV-1001"), ("D", 250, "FEE-0001"))
UNKNOWN = CONTENT.replace(scene.IDENTIFIER.encode(), b"DE99000000000000000001")


@pytest.fixture
def bank(roles: None) -> Source:
    return scene.bank()


@pytest.fixture
def browser(maker: User) -> Client:
    return signed_in(maker)


def upload(browser: Client, content: bytes = CONTENT, *, name: str = "statement.sta") -> Any:
    return browser.post(reverse("recon:upload"), {"file": SimpleUploadedFile(name, content)})


def address(name: str, file: StatementFile) -> str:
    return reverse(f"recon:{name}", kwargs={"file_id": file.pk})


def text(response: Any) -> str:
    page: str = " ".join(response.content.decode().split())
    assert "<c-" not in page, "a component was not rendered"
    return page


def test_uploaded_file_is_previewed_before_anything_is_accepted(bank: Source, browser: Client) -> None:
    response = upload(browser)
    file = StatementFile.objects.get()
    assert (response.status_code, response.headers["Location"]) == (302, address("file", file))
    page = text(browser.get(address("file", file)))
    for said in ("Bank USD", "Proven", "2 lines", "INV-1001", "First statement of this source", file.sha256, "Accept and reconcile"):
        assert said in page
    assert not Statement.objects.exists()


def test_accepted_file_starts_a_run_and_tells_a_worker(bank: Source, browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[str] = []
    monkeypatch.setattr(tasks.execute_run, "delay", lambda *, run_id: rung.append(run_id))
    upload(browser)
    response = browser.post(address("accept_file", StatementFile.objects.get()))
    run = Run.objects.get()
    assert response.headers["Location"] == reverse("recon:run", kwargs={"run_id": run.pk})
    assert rung == [str(run.pk)]


def test_broker_that_does_not_answer_refuses_nobody(bank: Source, browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*, run_id: str) -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr(tasks.execute_run, "delay", unreachable)
    upload(browser)
    assert browser.post(address("accept_file", StatementFile.objects.get())).status_code == 302
    assert Run.objects.get().status == "queued"


def test_same_bytes_again_say_who_sent_them_first_and_change_nothing(bank: Source, browser: Client, maker: User) -> None:
    upload(browser)
    with writes_nothing():
        response = upload(browser, name="again.sta")
        page = text(browser.get(response.headers["Location"]))
    assert "These bytes were received before" in page
    assert f"By {maker.shown_name}" in page


def test_same_bytes_from_somebody_who_may_not_see_the_file_tell_nothing_of_it(bank: Source, browser: Client, stranger: User) -> None:
    upload(browser)
    with writes_nothing():
        response = upload(signed_in(stranger))
    assert response.status_code == 409
    assert "out of your scope" in text(response)


def test_refused_file_shows_each_place_and_cannot_be_accepted(bank: Source, browser: Client) -> None:
    upload(browser, CONTENT.replace(b"C10,00NTRF", b"X10,00NTRF"))
    file = StatementFile.objects.get()
    page = text(browser.get(address("file", file)))
    assert "This file was refused" in page
    assert "line 6, :61:" in page
    with writes_nothing():
        assert browser.post(address("accept_file", file)).status_code == 422


def test_empty_or_missing_file_is_refused_on_the_form(bank: Source, browser: Client) -> None:
    with writes_nothing():
        assert "The file is empty." in text(upload(browser, b""))
        response = browser.post(reverse("recon:upload"), {})
    assert response.status_code == 422
    assert "Choose a file first." in text(response)


def test_unproven_statement_says_by_how_much_and_that_it_will_be_kept(bank: Source, browser: Client) -> None:
    upload(browser, CONTENT.replace(b"USD7,50", b"USD7,20"))
    page = text(browser.get(address("file", StatementFile.objects.get())))
    assert "\u22120.30 USD</b> is not explained by its lines. It can be accepted; it will be kept and marked unproven" in page


def test_gap_before_a_statement_is_shown_before_it_is_accepted(bank: Source, browser: Client, maker: User) -> None:
    scene.accept(CONTENT, source=bank, by=maker)
    upload(browser, scene.mt940(("C", 100, "INV-1002"), opening_minor=850, day=DAY + timedelta(days=2), number=3))
    assert "Gap of +1.00 USD" in text(browser.get(address("file", StatementFile.objects.get(status="received"))))


def test_statement_known_from_another_file_is_named_and_not_taken_again(bank: Source, browser: Client, maker: User) -> None:
    scene.accept(CONTENT, source=bank, by=maker)
    upload(browser, CONTENT.replace(b":20:S1", b":20:S9").replace(b"AAAABBCC", b"XXXXBBCC"))
    file = StatementFile.objects.get(status="received")
    assert "1 of 1 statements are in already" in text(browser.get(address("file", file)))
    with writes_nothing():
        response = browser.post(address("accept_file", file))
    assert response.status_code == 409
    assert reverse("recon:statement", kwargs={"statement_id": Statement.objects.get().pk}) in text(response)


def test_unknown_account_is_registered_in_place_on_an_account_without_a_source(bank: Source, browser: Client) -> None:
    upload(browser, UNKNOWN)
    file = StatementFile.objects.get()
    page = text(browser.get(address("file", file)))
    assert "Register this account" in page
    with writes_nothing():
        assert browser.post(address("accept_file", file)).status_code == 422
    wish = {"identifier": "DE99000000000000000001", "asset": "USD", "name": "Safe bank", "servicer": "Safe", "account": "1020"}
    assert browser.post(address("register_source", file), wish).status_code == 302
    assert Source.objects.get(name="Safe bank").account.code == "1020"
    assert browser.post(address("accept_file", file)).status_code == 302


def test_unknown_account_is_registered_with_a_new_ledger_account(bank: Source, browser: Client) -> None:
    upload(browser, UNKNOWN)
    file = StatementFile.objects.get()
    wish = {"identifier": "DE99000000000000000001", "asset": "USD", "name": "New bank", "account": "new", "account_code": "1010"}
    with writes_nothing():
        response = browser.post(address("register_source", file), {**wish, "entity": ENTITY, "group": GROUP})
        assert response.status_code == 409
        assert "There is an account 1010 already" in text(response)
        assert 'value="New bank"' in text(response), "what was typed is kept"
        assert browser.post(address("register_source", file), {**wish, "entity": ENTITY, "group": ""}).status_code == 422
    wish["account_code"] = "1060"
    assert browser.post(address("register_source", file), {**wish, "entity": ENTITY, "group": GROUP}).status_code == 302
    account = Account.objects.get(code="1060")
    assert (account.owner_class, account.asset.code, account.source.name) == ("nostro", "USD", "New bank")


def test_account_that_the_file_does_not_name_is_not_registered_from_it(bank: Source, browser: Client) -> None:
    upload(browser, UNKNOWN)
    with writes_nothing():
        wish = {"identifier": "DE00", "asset": "USD", "name": "Other", "account": "1020"}
        assert browser.post(address("register_source", StatementFile.objects.get()), wish).status_code == 409


def test_statement_shows_its_proof_and_what_became_of_each_line(bank: Source, browser: Client, maker: User, post: Post) -> None:
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD", reference="INV-1001")
    scene.reconcile(CONTENT, source=bank, by=maker)
    here = reverse("recon:statement", kwargs={"statement_id": Statement.objects.get().pk})
    page = text(browser.get(here))
    for said in ("Proven", "1 of 2 lines matched", "LE-", "BRK-", "INV-1001"):
        assert said in page
    assert ":61:" not in page
    opened = text(browser.get(here, {"line": "1"}, headers={"HX-Request": "true", "HX-Target": "lines"}))
    assert ":61:2611021102C10,00NTRFINV-1001" in opened
    assert "Same reference, same amount" in opened
    assert "<html" not in opened


def test_lists_filter_by_their_address_and_need_few_queries(bank: Source, browser: Client, maker: User) -> None:
    for n in range(1, 8):
        content = scene.mt940(("C", 100, f"INV-{n:04d}"), opening_minor=100 * (n - 1), number=n, day=DAY + timedelta(days=n))
        scene.accept(content, source=bank, by=maker)
    here = reverse("recon:statements")
    with CaptureQueriesContext(connection) as queries:
        assert "7 statements" in text(browser.get(here))
    assert len(queries) <= 25
    assert "1 statement<" in text(browser.get(here, {"q": "3/1"}))
    assert "No statement passes these filters" in text(browser.get(here, {"proof": "unproven"}))
    assert "7 statements" in text(browser.get(here, {"proof": "nonsense", "after": "nonsense"}))
    fragment = text(browser.get(here, {"gap": "none"}, headers={"HX-Request": "true", "HX-Target": "results"}))
    assert "7 statements" in fragment
    assert "<html" not in fragment
    assert "7 files" in text(browser.get(reverse("recon:files"), {"status": "accepted"}))


def test_bytes_are_downloaded_as_they_came_and_that_is_on_the_trail(bank: Source, browser: Client) -> None:
    upload(browser, name='a"b.sta')
    response = browser.get(address("file_bytes", StatementFile.objects.get()))
    assert b"".join(response) == CONTENT
    assert response.headers["Content-Disposition"].startswith("attachment;")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert AuditEvent.objects.filter(action="recon.file.downloaded", outcome="done").count() == 1


def test_who_may_not_upload_is_refused_and_strangers_see_nothing(
    bank: Source, browser: Client, auditor: User, checker: User, stranger: User
) -> None:
    upload(browser)
    file = StatementFile.objects.get()
    browser.post(address("accept_file", file))
    statement = Statement.objects.get()
    shown = reverse("recon:statement", kwargs={"statement_id": statement.pk})
    for reader in (auditor, checker):
        client = signed_in(reader)
        assert client.get(shown).status_code == 200
        assert client.get(address("file", file)).status_code == 200
        with writes_nothing():
            assert client.get(reverse("recon:upload")).status_code == 403
            assert upload(client).status_code == 403
            assert client.post(address("accept_file", file)).status_code == 403
            assert client.post(address("register_source", file)).status_code == 403
    outside = signed_in(stranger)
    assert "No statement yet" in text(outside.get(reverse("recon:statements")))
    for hidden in (shown, address("file", file), address("file_bytes", file), reverse("recon:file", kwargs={"file_id": uuid4()})):
        assert outside.get(hidden).status_code == 404
