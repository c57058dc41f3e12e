"""The main job through the pages, by a browser without JavaScript and with every protection on, with a real worker."""

import hashlib
import io
import time
from typing import Any

import pytest
from django.test import Client

from audit.models import AuditEvent
from ledgerops.demo import DEMO_PASSPHRASE
from ledgerops.demo.load import load
from ledgerops.demo.shapes import Company, DifferenceKind, StatementFile
from tests.journeys.company import POSTED, RUNS_WITHIN, TRAIL, company_of_the_journey, difference_of
from tests.journeys.pages import Browser, Reader
from tests.notation import journal, posts, writes_nothing


def person(username: str) -> Browser:
    """Sign a person in by the form, as they would."""
    browser = Browser(Client(enforce_csrf_checks=True))
    browser.open("/")
    browser.submit("login", login=username, password=DEMO_PASSPHRASE)
    assert browser.address == "/", "the page that was asked for is shown"
    return browser


def deliver(browser: Browser, *, company: Company, source: str) -> StatementFile:
    """Upload and accept the first waiting statement of a source and watch its run to the end."""
    file = next(file for file in company.files if file.source == source and not file.imported)
    upload = io.BytesIO(file.content)
    upload.name = file.filename
    browser.open("/statements/upload/")
    preview = browser.submit("upload", file=upload)
    assert hashlib.sha256(file.content).hexdigest() in preview
    browser.submit("accept")
    run = browser.address
    assert run.startswith("/runs/")
    deadline = time.monotonic() + RUNS_WITHIN
    while "Finished" not in browser.open(run):
        assert time.monotonic() < deadline, "no worker has finished the run"
        time.sleep(0.1)
    return file


@pytest.mark.django_db(transaction=True)
def test_the_main_job_is_done_through_the_pages(worker: None) -> None:
    company = company_of_the_journey()
    load(company)
    before = journal()
    last_event = AuditEvent.objects.order_by("-id").values_list("id", flat=True)[0]
    analyst, approver, auditor = person("analyst"), person("approver"), person("auditor")

    deliver(analyst, company=company, source="HARBOR-FBO")
    file = deliver(analyst, company=company, source="HARBOR-USD")

    # Two sides whose references differ by swapped digits are matched by hand.
    swapped = difference_of(company, kind=DifferenceKind.REFERENCE, source="HARBOR-FBO")
    analyst.open(f"/breaks/?q={swapped.line_reference}")
    analyst.follow(r"^/breaks/[0-9a-f-]{36}/")
    analyst.follow(r"/match/\?.*item=\d+")
    resolved = analyst.submit("/match/")
    assert "Matched." in resolved

    # An amount that differs becomes a proposal, which its maker cannot approve.
    wrong = difference_of(company, kind=DifferenceKind.AMOUNT, source="HARBOR-USD")
    analyst.open(f"/breaks/?q={wrong.line_reference}")
    analyst.follow(r"^/breaks/[0-9a-f-]{36}/")
    filled: dict[str, Any] = {
        "reason_code": "CHARGES_DEDUCTED",
        "counter_account": "5010-USD",
        "effective_date": wrong.statement_date.isoformat(),
    }
    with writes_nothing():
        again = analyst.submit("/propose/", answers=422, **filled, narrative="too short")
    assert "too short" in again, "the input is kept"
    with posts():
        analyst.submit("/propose/", **filled, narrative="A correspondent bank deducted its charge on the way.")
    proposal = analyst.link(r"^/approvals/[0-9a-f-]{36}/")
    page = analyst.open(proposal)
    assert "/decide/" not in page, "the maker is offered no decision"
    approver.open(proposal)
    decision = next(form.action for form in Reader(approver.html).forms if form.action.endswith("/decide/"))
    with writes_nothing():
        # The form of somebody else, sent by the maker.
        token = analyst.client.cookies["csrf"].value
        sent = {"csrfmiddlewaretoken": token, "version": "1", "digest": "0" * 64, "outcome": "approve"}
        assert analyst.client.post(decision, sent).status_code == 403

    # The approver comes by the queue.
    approver.open("/approvals/")
    approver.follow(proposal)
    with posts(POSTED):
        assert "Approved and posted" in approver.submit("/decide/", outcome="approve")
    assert journal() == [*before, POSTED]

    # The auditor follows the trail from the entry to the bytes and both people.
    auditor.open("/ledger/?type=adjustment")
    auditor.follow(r"^/ledger/entries/")
    auditor.follow(r"^/trail/")
    assert "Operations Analyst" in auditor.html
    assert "Compliance Approver" in auditor.html
    sha256 = hashlib.sha256(file.content).hexdigest()
    assert sha256 in auditor.html
    auditor.follow(r"^/statements/files/")
    handed_out = auditor.client.get(auditor.link(r"/bytes/$"))
    assert b"".join(handed_out.streaming_content) == file.content  # type: ignore[attr-defined] # a streaming response
    assert "0.00" in auditor.open("/ledger/trial-balance/?as_of=2026-11-20")
    told = AuditEvent.objects.filter(id__gt=last_event).exclude(action__startswith="approvals.session").order_by("id")
    assert [(event.actor_name, event.action, event.outcome) for event in told] == [*TRAIL, ("auditor", "recon.file.downloaded", "done")]
