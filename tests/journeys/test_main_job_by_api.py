"""The main job through the REST API alone, on the demo company's own files, with a real worker."""

import hashlib
import io
import time
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from ledgerops.demo.load import load
from ledgerops.demo.shapes import Company, DifferenceKind
from tests.api.caller import Caller
from tests.journeys.company import POSTED, RUNS_WITHIN, TRAIL, company_of_the_journey, difference_of
from tests.notation import journal, posts, writes_nothing


def bearer(username: str) -> Caller:
    """Return a program that acts as this person."""
    said = StringIO()
    call_command("api_token", username, stdout=said)
    return Caller(Client(headers={"Authorization": f"Bearer {said.getvalue().strip()}"}))


def deliver(caller: Caller, *, company: Company, source: str) -> tuple[dict[str, Any], bytes]:
    """Upload and accept the first waiting statement of a source and wait for the worker; the file as answered and its bytes."""
    file = next(file for file in company.files if file.source == source and not file.imported)
    upload = io.BytesIO(file.content)
    upload.name = file.filename
    received = caller.upload(upload)
    assert [(one["source"], one["proof"]) for one in caller.get(f"/files/{received['id']}")["preview"]] == [(source, "proven")]
    accepted = caller.post(f"/files/{received['id']}/accept", answers=200)
    (run,) = accepted["runs"]
    deadline = time.monotonic() + RUNS_WITHIN
    while run["status"] in ("queued", "running"):
        assert time.monotonic() < deadline, "no worker has finished the run"
        time.sleep(0.1)
        run = caller.get(f"/runs/{run['id']}")
    assert run["status"] == "completed", run["failure"]
    return accepted, file.content


@pytest.mark.django_db(transaction=True)
def test_the_main_job_is_done_through_the_api(worker: None) -> None:
    company = company_of_the_journey()
    load(company)
    analyst, approver, auditor = bearer("analyst"), bearer("approver"), bearer("auditor")
    before = journal()
    last_event = auditor.get("/audit/events", limit=1)["results"][0]["id"]

    # The analyst delivers a camt.053 and an MT940; a worker reconciles each.
    camt, _ = deliver(analyst, company=company, source="HARBOR-FBO")
    mt940, mt940_bytes = deliver(analyst, company=company, source="HARBOR-USD")
    assert (camt["format"], mt940["format"]) == ("camt053", "mt940")

    # Two sides whose references differ by swapped digits are matched by hand.
    swapped = difference_of(company, kind=DifferenceKind.REFERENCE, source="HARBOR-FBO")
    (listed,) = analyst.get("/breaks", q=swapped.line_reference, source="HARBOR-FBO")["results"]
    found = analyst.get(f"/breaks/{listed['id']}")
    best = found["candidates"][0]
    assert best["remaining_minor"] == "0"
    matched = analyst.post(f"/breaks/{listed['id']}/match", {"version": found["version"], "item_ids": [best["item_id"]]})
    assert (matched["state"], matched["resolved_by"]["method"]) == ("resolved", "manual")

    # An amount that differs becomes a proposal, which its maker cannot approve.
    wrong = difference_of(company, kind=DifferenceKind.AMOUNT, source="HARBOR-USD")
    (listed,) = analyst.get("/breaks", q=wrong.line_reference, source="HARBOR-USD")["results"]
    assert (listed["type"], listed["difference_minor"]) == ("amount", str(-wrong.amount_minor))
    with posts():
        proposal = analyst.post(
            f"/breaks/{listed['id']}/adjustments",
            {
                "reason_code": "CHARGES_DEDUCTED",
                "narrative": "A correspondent bank deducted its charge on the way.",
                "counter_account": "5010-USD",
                "effective_date": wrong.statement_date.isoformat(),
                "break_version": listed["version"],
            },
        )
    decision = {"version": 1, "digest": proposal["versions"][0]["digest"], "outcome": "approve"}
    with writes_nothing():
        analyst.refused(f"/proposals/{proposal['id']}/decisions", decision, answers=403)
    with posts(POSTED):
        assert approver.post(f"/proposals/{proposal['id']}/decisions", decision)["status"] == "executed"

    # The books: nothing else was posted, and debits equal credits in each asset.
    assert journal() == [*before, POSTED]
    balance = auditor.get("/trial-balance", as_of="2026-11-20")
    assert balance["whole_books"] is True
    assert {section["asset"]: section["difference_minor"] for section in balance["sections"]} == dict.fromkeys(
        ["EUR", "GBP", "JPY", "USD", "USDC-BASE", "USDC-ETH"], "0"
    )
    # What stands in quarantine is the only thing that nothing explains.
    unexplained = {one["name"]: one["standing"]["unexplained_minor"] for one in auditor.get("/reconciliations")["results"]}
    assert {name: minor for name, minor in unexplained.items() if minor != "0"} == {"Payments partner EUR payouts": "8540"}

    # The trail tells it in order, and leads from the entry back to the bytes and both people.
    assert told(auditor, after=last_event) == TRAIL
    (entry,) = auditor.get("/entries", proposal=proposal["id"])["results"]
    decided = auditor.get(f"/proposals/{entry['proposal_id']}")
    assert (decided["maker"], decided["versions"][0]["decisions"][0]["approver"]) == ("analyst", "approver")
    evidence = auditor.get(f"/breaks/{decided['target_id']}")["statement"]
    assert evidence["file_id"] == mt940["id"]
    handed_out = b"".join(auditor.client.get(f"/api/v1/files/{evidence['file_id']}/bytes").streaming_content)  # type: ignore[attr-defined]
    assert hashlib.sha256(handed_out).hexdigest() == evidence["file_sha256"] == mt940["sha256"]
    assert handed_out == mt940_bytes
    assert evidence["raw"].splitlines()[0].encode() in handed_out


def told(auditor: Caller, *, after: str) -> list[tuple[str, str, str]]:
    """Return who did what with which outcome since an event, in order."""
    events = [event for event in auditor.get("/audit/events", limit=500)["results"] if event["id"] > after]
    return [(event["actor_name"], event["action"], event["outcome"]) for event in reversed(events)]
