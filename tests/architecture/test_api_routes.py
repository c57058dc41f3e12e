"""Every route of the API, every method, every role: one table says what is answered. A route that is not in it fails."""

import json
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from approvals.models import User
from approvals.operations import set_switch
from ledger.models import Account, AccountingPeriod, Alert, IntegrityFinding, IntegrityRun, JournalEntry
from ledger.operations import set_monitor
from ledgerops import reference
from recon.models import Item, Match, MatchChallenge, QuarantinedRow, Reconciliation, Run, Source, Suggestion
from recon.operations import attach_file
from recon.operations.proofs import define_proof, prove
from tests.concurrency.scene import bank, break_of, mt940, propose, receive, reconcile
from tests.fixtures import DAY, ENTITY, Post, held, signed_in

ROLES = ("Analyst", "Approver", "Controller", "Administrator", "Auditor", "Engineer")
READERS = ("Analyst", "Approver", "Controller", "Auditor", "Engineer")
WITH_FILES = (*READERS, "Administrator")
ANALYST = ("Analyst",)
METHODS = ("get", "post", "put", "patch", "delete")

# Route and method: what is answered to those whose roles allow it, and the roles. All others are answered 403, strangers to the house 401.
# A POST is sent an empty body: past the permission it is refused for what it lacks, unless it needs nothing.
EXPECTED: dict[tuple[str, str], tuple[int, tuple[str, ...]]] = {
    ("transactions", "get"): (200, READERS),
    ("transactions", "post"): (422, ANALYST),
    ("transactions/batch", "post"): (422, ANALYST),
    ("transactions/dry-run", "post"): (422, ANALYST),
    ("transactions/keys", "get"): (200, READERS),
    ("transactions/<uuid:transaction_id>", "get"): (200, READERS),
    # It is posted already: asking again answers the same.
    ("transactions/<uuid:transaction_id>/post", "post"): (200, ANALYST),
    ("transactions/<uuid:transaction_id>/events", "post"): (422, ANALYST),
    ("holds", "get"): (200, READERS),
    ("holds", "post"): (422, ANALYST),
    ("holds/<uuid:hold_id>", "get"): (200, READERS),
    ("holds/<uuid:hold_id>/capture", "post"): (422, ANALYST),
    ("holds/<uuid:hold_id>/release", "post"): (422, ANALYST),
    ("conversions", "post"): (422, ANALYST),
    ("transaction-types", "get"): (200, READERS),
    ("transaction-types", "post"): (422, ("Analyst", "Controller")),
    ("entries", "get"): (200, READERS),
    ("entries/<uuid:entry_id>", "get"): (200, READERS),
    ("entries/<uuid:entry_id>/reversals", "post"): (422, ("Analyst", "Controller")),
    ("journals", "post"): (422, ("Analyst", "Controller")),
    ("openings", "post"): (422, ("Analyst", "Controller")),
    ("recurring-entries", "get"): (200, READERS),
    ("recurring-entries", "post"): (422, ("Analyst", "Controller")),
    # There is none of the sample's code.
    ("recurring-entries/<code:code>/stop", "post"): (404, ("Analyst", "Controller")),
    ("accounts", "get"): (200, READERS),
    ("accounts", "post"): (422, ANALYST),
    ("accounts/<code:code>/changes", "post"): (422, ("Analyst", "Controller")),
    ("accounts/<code:code>/freeze", "post"): (422, ("Analyst", "Approver", "Controller")),
    ("accounts/<code:code>/monitors", "get"): (200, READERS),
    ("accounts/<code:code>/monitors", "post"): (422, ("Analyst", "Controller")),
    ("accounts/<code:code>/monitors/<int:monitor_id>/retire", "post"): (204, ("Analyst", "Controller")),
    ("hot-accounts", "get"): (200, READERS),
    ("chart", "get"): (200, READERS),
    ("chart/imports", "post"): (422, ANALYST),
    ("reports/reconciliation", "get"): (200, READERS),
    ("proofs", "get"): (200, READERS),
    ("proofs", "post"): (422, ("Controller",)),
    ("proofs/<code:code>", "get"): (200, READERS),
    ("proofs/<code:code>/days", "post"): (422, ("Analyst", "Controller")),
    ("proof-results/<uuid:result_id>", "get"): (200, READERS),
    ("alerts", "get"): (200, READERS),
    ("alerts/<uuid:alert_id>/seen-to", "post"): (422, ("Analyst", "Controller")),
    ("switches", "get"): (200, WITH_FILES),
    ("switches", "post"): (422, ("Approver", "Controller", "Administrator")),
    ("switches/<uuid:switch_id>/lift", "post"): (422, ("Approver", "Controller", "Administrator")),
    ("accounts/<code:code>", "get"): (200, READERS),
    ("accounts/<code:code>/balance", "get"): (200, READERS),
    ("accounts/<code:code>/postings", "get"): (200, READERS),
    ("accounts/<code:code>/statement", "get"): (200, READERS),
    ("trial-balance", "get"): (200, READERS),
    ("rates", "get"): (200, READERS),
    ("rates", "post"): (422, ("Analyst", "Controller")),
    ("rates/ages", "get"): (200, READERS),
    ("rates/ages", "post"): (422, ("Controller",)),
    # Its entity has no functional asset.
    ("positions", "get"): (422, READERS),
    ("remeasurements", "post"): (422, ("Analyst", "Controller")),
    ("year-ends", "post"): (422, ("Analyst", "Controller")),
    ("balance-sheet", "get"): (422, READERS),
    ("assets", "get"): (200, READERS),
    ("general-ledger", "get"): (200, READERS),
    ("parties", "get"): (200, READERS),
    ("parties", "post"): (422, ANALYST),
    # There is none of the sample's code.
    ("parties/<code:code>", "get"): (404, READERS),
    ("parties/<code:code>/changes", "post"): (404, ANALYST),
    ("parties/<code:code>/external-accounts", "post"): (404, ANALYST),
    ("external-accounts/<uuid:external_account_id>/stop", "post"): (404, ANALYST),
    ("periods", "get"): (200, READERS),
    ("periods", "post"): (422, ("Controller",)),
    ("periods/<int:period_id>", "get"): (200, READERS),
    ("periods/<int:period_id>/close", "post"): (422, ("Controller",)),
    ("periods/<int:period_id>/reopen", "post"): (422, ("Controller",)),
    ("periods/<int:period_id>/soft-lock", "post"): (200, ("Controller",)),
    ("periods/<int:period_id>/unlock", "post"): (200, ("Controller",)),
    ("integrity", "get"): (200, READERS),
    ("integrity/runs", "get"): (200, READERS),
    ("integrity/runs", "post"): (202, ("Controller",)),
    ("integrity/runs/<uuid:examination_id>", "get"): (200, READERS),
    ("integrity/findings", "get"): (200, READERS),
    ("integrity/findings/<uuid:finding_id>/rebuild", "post"): (422, ("Analyst", "Controller")),
    ("sources", "get"): (200, WITH_FILES),
    ("sources", "post"): (422, ANALYST),
    # There is no source of the sample's code.
    ("sources/<code:code>", "get"): (404, WITH_FILES),
    ("sources/<code:code>/format", "post"): (404, ANALYST),
    ("sources/<code:code>/feed", "post"): (404, ("Controller", "Administrator")),
    ("sources/<code:code>/calendar", "get"): (404, WITH_FILES),
    ("sources/<code:code>/waivers", "post"): (404, ("Controller", "Administrator")),
    ("sources/<code:code>/samples", "post"): (404, ANALYST),
    ("sources/<code:code>/records", "post"): (404, ANALYST),
    ("sources/<code:code>/mappings", "get"): (404, WITH_FILES),
    ("sources/<code:code>/mappings", "post"): (404, ANALYST),
    ("sources/<code:code>/mappings/trial", "post"): (404, ANALYST),
    ("sources/<code:code>/mappings/<int:number>", "get"): (404, WITH_FILES),
    ("sources/<code:code>/mappings/<int:number>/submit", "post"): (404, ANALYST),
    ("chains", "get"): (200, WITH_FILES),
    ("chains", "post"): (422, ANALYST),
    # There is none of the sample's code.
    ("chains/<code:code>", "get"): (404, WITH_FILES),
    ("chains/<code:code>/blocks", "post"): (404, ANALYST),
    ("chains/<code:code>/ranges", "get"): (404, WITH_FILES),
    ("chains/<code:code>/transfers", "get"): (404, WITH_FILES),
    ("chains/<code:code>/transfers", "post"): (404, ANALYST),
    ("accounts/<code:code>/proof", "get"): (200, READERS),
    ("accounts/<code:code>/certificates", "post"): (422, ("Analyst", "Controller")),
    ("accounts/<code:code>/certification-terms", "post"): (422, ("Controller",)),
    ("certifications", "get"): (200, READERS),
    ("certificates", "get"): (200, READERS),
    # There is none of the sample's id.
    ("certificates/<uuid:certificate_id>", "get"): (404, READERS),
    ("certificates/<uuid:certificate_id>/pack", "get"): (404, READERS),
    ("certificates/<uuid:certificate_id>/twin", "get"): (404, READERS),
    ("certificates/<uuid:certificate_id>/withdrawals", "post"): (404, ("Analyst", "Controller")),
    ("files", "get"): (200, WITH_FILES),
    ("files", "post"): (415, ANALYST),
    ("files/<uuid:file_id>/source", "post"): (422, ANALYST),
    ("files/<uuid:file_id>/read-again", "post"): (409, ANALYST),
    ("quarantine", "get"): (200, WITH_FILES),
    ("quarantine/<int:row_id>/dismiss", "post"): (422, ANALYST),
    ("statements/<uuid:statement_id>/lines/<int:ordinal>/count", "post"): (422, ANALYST),
    ("files/<uuid:file_id>", "get"): (200, WITH_FILES),
    ("files/<uuid:file_id>/bytes", "get"): (200, WITH_FILES),
    ("files/<uuid:file_id>/accept", "post"): (200, ANALYST),
    ("statements", "get"): (200, WITH_FILES),
    ("statements/<uuid:statement_id>", "get"): (200, WITH_FILES),
    ("statements/<uuid:statement_id>/lines", "get"): (200, WITH_FILES),
    ("reconciliations", "get"): (200, READERS),
    ("reconciliations", "post"): (422, ANALYST),
    ("reconciliations/<int:reconciliation_id>", "get"): (200, READERS),
    ("reconciliations/<int:reconciliation_id>/rules", "get"): (200, READERS),
    ("reconciliations/<int:reconciliation_id>/rules", "post"): (422, ANALYST),
    ("reconciliations/<int:reconciliation_id>/rules/trial", "post"): (422, ANALYST),
    ("reconciliations/<int:reconciliation_id>/rules/<int:number>", "get"): (200, READERS),
    ("reconciliations/<int:reconciliation_id>/rules/<int:number>/submit", "post"): (422, ANALYST),
    ("reconciliations/<int:reconciliation_id>/runs", "post"): (202, ("Analyst", "Controller")),
    ("runs", "get"): (200, READERS),
    ("runs/<uuid:run_id>", "get"): (200, READERS),
    ("runs/<uuid:run_id>/passes", "get"): (200, READERS),
    # It has ended.
    ("runs/<uuid:run_id>/cancel", "post"): (409, ("Analyst", "Controller")),
    ("runs/<uuid:run_id>/compare/<uuid:later_id>", "get"): (200, READERS),
    ("breaks", "get"): (200, READERS),
    ("breaks/<uuid:break_id>", "get"): (200, READERS),
    ("breaks/<uuid:break_id>/assign", "post"): (422, ANALYST),
    ("breaks/<uuid:break_id>/comments", "post"): (422, ANALYST),
    ("breaks/<uuid:break_id>/labels", "post"): (422, ANALYST),
    ("breaks/<uuid:break_id>/root-cause", "post"): (422, ANALYST),
    ("breaks/<uuid:break_id>/snooze", "post"): (422, ANALYST),
    ("breaks/<uuid:break_id>/watch", "post"): (200, ANALYST),
    ("breaks/<uuid:break_id>/return", "post"): (409, ANALYST),
    ("service-levels", "get"): (200, READERS),
    ("service-levels", "post"): (422, ("Controller",)),
    ("break-routes", "get"): (200, READERS),
    ("break-routes", "put"): (422, ("Controller",)),
    ("breaks/<uuid:break_id>/match", "post"): (422, ANALYST),
    ("breaks/<uuid:break_id>/adjustments", "post"): (422, ANALYST),
    ("breaks/<uuid:break_id>/evidence", "get"): (200, READERS),
    ("breaks/<uuid:break_id>/evidence", "post"): (415, ("Analyst", "Controller")),
    ("evidence/<uuid:evidence_id>/bytes", "get"): (200, READERS),
    ("breaks/<uuid:break_id>/messages", "post"): (422, ANALYST),
    ("mentions", "get"): (200, READERS),
    # The sample is somebody else's.
    ("mentions/<int:mention_id>/seen", "post"): (404, READERS),
    ("resolution-terms", "get"): (200, READERS),
    ("resolution-terms", "post"): (422, ("Controller",)),
    ("breaks/<uuid:break_id>/open-items", "get"): (200, READERS),
    ("breaks/<uuid:break_id>/write-offs", "post"): (422, ANALYST),
    ("breaks/<uuid:break_id>/rebookings", "post"): (422, ANALYST),
    ("breaks/<uuid:break_id>/treatments", "get"): (200, READERS),
    ("breaks/<uuid:break_id>/treatments", "post"): (422, ANALYST),
    ("breaks/<uuid:break_id>/treatments/end", "post"): (422, ANALYST),
    # The sample is an adjustment.
    ("write-offs/<uuid:proposal_id>/versions", "post"): (404, ANALYST),
    ("rebookings/<uuid:proposal_id>/versions", "post"): (404, ANALYST),
    ("breaks/<uuid:break_id>/accept-chain", "post"): (422, ANALYST),
    ("breaks/<uuid:break_id>/why", "get"): (200, READERS),
    ("breaks/<uuid:break_id>/never-match", "post"): (422, ANALYST),
    # What it adds up to differs on both sides.
    ("suggestions/<uuid:suggestion_id>/accept", "post"): (409, ANALYST),
    ("suggestions/<uuid:suggestion_id>/dismiss", "post"): (422, ANALYST),
    ("matches/<uuid:match_id>/undo", "post"): (422, ("Controller",)),
    ("challenges/<int:challenge_id>/seen", "post"): (422, ANALYST),
    ("proposals", "get"): (200, WITH_FILES),
    ("proposals/<uuid:proposal_id>", "get"): (200, WITH_FILES),
    ("proposals/<uuid:proposal_id>/decisions", "post"): (422, ("Approver", "Controller")),
    ("proposals/<uuid:proposal_id>/versions", "post"): (422, ANALYST),
    # Whoever sees a proposal may ask; the operation lets its maker alone.
    ("proposals/<uuid:proposal_id>/withdraw", "post"): (200, ANALYST),
    ("reason-codes", "get"): (200, WITH_FILES),
    ("audit/events", "get"): (200, ("Administrator", "Auditor")),
    ("audit/actions", "get"): (200, ("Administrator", "Auditor")),
    ("audit/objects/<code:target_type>/<code:target_id>/timeline", "get"): (200, ("Administrator", "Auditor")),
    ("schema/", "get"): (200, ROLES),
    ("docs/", "get"): (200, ROLES),
}


def routes() -> Iterator[tuple[str, Any]]:
    """Yield every route of the API with its view."""
    (api,) = (one for one in get_resolver().url_patterns if isinstance(one, URLResolver) and str(one.pattern) == "api/v1/")
    waiting: list[tuple[str, URLPattern | URLResolver]] = [("", one) for one in api.url_patterns]
    while waiting:
        prefix, one = waiting.pop()
        route = prefix + str(one.pattern)
        if isinstance(one, URLResolver):
            waiting += [(route, inner) for inner in one.url_patterns]
        else:
            view: Any = one.callback
            while not hasattr(view, "cls"):
                view = view.__wrapped__
            yield route, view.cls


def test_every_route_and_method_is_expected_and_names_its_permission(db: None) -> None:
    found = set()
    for route, view in routes():
        methods = {method for method in METHODS if hasattr(view, method)}
        found |= {(route, method) for method in methods}
        assert {method.lower() for method in view.required_permissions} == methods, (
            f"{route} names permissions for other methods than it has"
        )
        for permission in filter(None, view.required_permissions.values()):
            app, codename = permission.split(".")
            assert Permission.objects.filter(content_type__app_label=app, codename=codename).exists(), f"there is no {permission}"
    assert found == set(EXPECTED)


@pytest.fixture
def values(maker: User, checker: User, post: Post, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Leave one of everything that a route names; its id by the name of the route's parameter."""
    monkeypatch.setattr("recon.tasks.execute_run.delay", lambda **_: None)
    monkeypatch.setattr("ledger.tasks.execute_integrity_run.delay", lambda **_: None)
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD", reference="INV-1")
    source = bank()
    run = reconcile(mt940(("C", 1000, "INV-1"), ("D", 250, "FEE-20261102"), ("D", 99, "FEE-20261103")), source=source, by=maker)
    proposal, _ = propose(break_of(reference="FEE-20261103"), by=maker)
    statement = source.statements.get()
    examination = IntegrityRun.objects.create(full=True)
    return {
        "entry_id": str(JournalEntry.objects.get().pk),
        "transaction_id": str(JournalEntry.objects.get().pk),
        "hold_id": str(held("2010", "1.00 USD").hold_id),
        "code": "1010",
        "number": "1",
        "period_id": str(AccountingPeriod.objects.get().pk),
        "file_id": str(statement.file_id),
        "statement_id": str(statement.pk),
        "ordinal": "1",
        "row_id": str(
            QuarantinedRow.objects.create(
                file_id=statement.file_id, source=source, place="row 2", message="the amount is no number", raw="ten"
            ).pk
        ),
        "reconciliation_id": str(Reconciliation.objects.get().pk),
        "run_id": str(run.pk),
        "later_id": str(run.pk),
        "break_id": str(break_of(reference="FEE-20261102").pk),
        "proposal_id": str(proposal.pk),
        **_decided_about(run),
        "monitor_id": str(
            set_monitor(account_id=Account.objects.get(code="1010").pk, comparison="below", threshold_minor=1, set_by_id=None).pk
        ),
        "alert_id": str(Alert.objects.create(kind="integrity", account=Account.objects.get(code="1010"), detail={}).pk),
        "switch_id": str(set_switch(function="posting", scope="account:2050", reason="why", passes_approved=False).pk),
        "examination_id": str(examination.pk),
        "evidence_id": str(_attached(by=maker)),
        "mention_id": "1",
        "result_id": str(_proven(source, by=maker)),
        "certificate_id": "01900000-0000-7000-8000-000000000000",
        "external_account_id": "01900000-0000-7000-8000-000000000000",
        "finding_id": str(
            IntegrityFinding.objects.create(
                check_name="days_add_up",
                severity="freeze",
                object_type="ledger.account",
                object_id="1010",
                sentence="",
                first_run=examination,
                account=Account.objects.get(code="1010"),
            ).pk
        ),
        "target_type": "approvals.proposal",
        "target_id": str(proposal.pk),
    }


def _attached(*, by: User) -> UUID:
    found = break_of(reference="FEE-20261102")
    return attach_file(break_id=found.pk, name="fee.txt", content=BytesIO(b"called"), note="", added_by_id=by.pk).pk


def _proven(source: Source, *, by: User) -> UUID:
    """Prove a day of the account that the routes name."""
    definition = define_proof(
        code="1010", name="Dollars", kind="customer_money", entity=ENTITY, asset="USD", terms={"sources": [source.code]}, starts_on=DAY,
        defined_by_id=by.pk,
    )  # fmt: skip
    return prove(definition_id=definition.pk, day=DAY).pk


def _decided_about(run: Run) -> dict[str, str]:
    """Leave a suggestion, a match and a challenge of it."""
    match = Match.objects.get()
    lonely = Item.objects.filter(open=True, reconciliation=run.reconciliation).earliest("pk")
    suggestion = Suggestion.objects.create(
        reconciliation=run.reconciliation, run=run, pass_id="fuzzy", kind="fuzzy", items=[lonely.pk], score=1, explanation={}
    )
    challenge = MatchChallenge.objects.create(match=match, item=lonely, run=run)
    return {"suggestion_id": str(suggestion.pk), "match_id": str(match.pk), "challenge_id": str(challenge.pk)}


def ask(client: Client, *, route: str, method: str, values: dict[str, str]) -> int:
    path = "/".join(values[part.rstrip(">").partition(":")[2]] if part.startswith("<") else part for part in route.split("/"))
    if method == "get":
        return client.get(f"/api/v1/{path}").status_code
    return client.generic(method.upper(), f"/api/v1/{path}", json.dumps({}), content_type="application/json").status_code


def test_every_role_is_answered_as_expected(person: Callable[[str, str], User], maker: User, values: dict[str, str]) -> None:
    assert set(ROLES) == set(reference.ROLES)
    people = {"Analyst": maker, **{role: person(role.lower(), role) for role in ROLES if role != "Analyst"}}
    wrong = []
    # What changes things comes last, so that everything else is asked of the world as it was.
    for (route, method), (answer, allowed) in sorted(EXPECTED.items(), key=lambda one: one[0][1]):
        for role in sorted(ROLES, key=lambda role: role in allowed):
            expected = answer if role in allowed else 403
            found = ask(signed_in(people[role]), route=route, method=method, values=values)
            if found != expected:
                wrong.append(f"{method} {route} as {role}: {found}, expected {expected}")
    assert wrong == []


def test_nobody_comes_in_without_signing_in(values: dict[str, str]) -> None:
    answers = {(route, method): ask(Client(), route=route, method=method, values=values) for route, method in EXPECTED}
    assert answers.pop(("docs/", "get")) == 302, "a person is led to the page of signing in"
    assert set(answers.values()) == {401}


def test_a_method_that_a_route_does_not_have_is_405(maker: User, values: dict[str, str]) -> None:
    client = signed_in(maker)
    for route in {route for route, _ in EXPECTED}:
        for method in set(METHODS) - {method for known, method in EXPECTED if known == route}:
            assert ask(client, route=route, method=method, values=values) == 405, f"{method} {route}"


def test_what_is_in_nobody_s_sight_is_404_to_a_stranger(stranger: User, maker: User, values: dict[str, str]) -> None:
    client = signed_in(stranger)
    own = receive(mt940(("C", 1, "OWN-1"), number=9), by=stranger)
    for route, method in EXPECTED:
        if "<" in route and "Analyst" in EXPECTED[route, method][1]:
            assert ask(client, route=route, method=method, values=values) == 404, f"{method} {route}"
    assert ask(client, route="files/<uuid:file_id>", method="get", values={"file_id": str(own.pk)}) == 200, "one's own file is in sight"
