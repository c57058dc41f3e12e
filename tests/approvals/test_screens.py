"""The pages of proposals: for whom they open, what they show, how they are filtered and what they cost."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals.models import Proposal, User
from audit.models import AuditEvent
from recon.models import Source
from tests.approvals.conftest import decide_directly, revise
from tests.concurrency import scene
from tests.fixtures import signed_in
from tests.notation import writes_nothing

QUERIES_AT_MOST = 25


@contextmanager
def budget() -> Iterator[None]:
    """Assert that the block costs no more queries than a page may."""
    with CaptureQueriesContext(connection) as queries:
        yield
    # A savepoint of the test's own transaction is no question to the database.
    asked = [query["sql"] for query in queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    assert len(asked) <= QUERIES_AT_MOST, "\n".join(one[:160] for one in asked)


@pytest.fixture
def everybody(person: Callable[[str, str], User], maker: User, checker: User, auditor: User, stranger: User) -> dict[str, User]:
    return {
        "maker": maker,
        "checker": checker,
        "auditor": auditor,
        "stranger": stranger,
        "controller": person("controller", "Controller"),
        "administrator": person("administrator", "Administrator"),
    }


@pytest.mark.parametrize("path", ["/approvals/", "/adjustments/", "/me/"])
def test_lists_open_for_every_role_and_show_only_what_is_in_sight(proposal: Proposal, everybody: dict[str, User], path: str) -> None:
    for name, user in everybody.items():
        client = signed_in(user)
        with budget():
            response = client.get(path)
        assert response.status_code == 200
        assert "<c-" not in response.text
        if name == "stranger":
            assert proposal.public_number not in response.text


@pytest.mark.parametrize("tab", ["changes", "conversation", "history"])
def test_proposal_opens_within_its_budget(proposal: Proposal, maker: User, checker: User, auditor: User, tab: str) -> None:
    decide_directly(checker, proposal, "request_changes", "which tariff?")
    revise(proposal, maker)
    for reader in (maker, checker, auditor):
        client = signed_in(reader)
        with budget():
            response = client.get(f"/approvals/{proposal.pk}/?tab={tab}")
        assert response.status_code == 200
        assert "<c-" not in response.text


def test_queue_is_of_those_who_can_decide(proposal: Proposal, maker: User, checker: User, auditor: User) -> None:
    assert proposal.public_number in signed_in(checker).get("/approvals/").text
    for other in (maker, auditor):
        assert proposal.public_number not in signed_in(other).get("/approvals/?view=decidable").text
        assert proposal.public_number in signed_in(other).get("/approvals/").text
    assert "0 of 1" in signed_in(checker).get("/approvals/").text
    decide_directly(checker, proposal)
    good = signed_in(checker).get("/approvals/").text
    assert "Nothing waits for your decision" in good
    assert proposal.public_number in signed_in(checker).get("/approvals/?view=decided").text


def test_returned_and_revised_proposal_comes_back_to_the_same_checker(proposal: Proposal, maker: User, checker: User) -> None:
    decide_directly(checker, proposal, "request_changes", "which tariff?")
    assert proposal.public_number not in signed_in(checker).get("/approvals/?view=decidable").text
    revise(proposal, maker)
    assert proposal.public_number in signed_in(checker).get("/approvals/?view=decidable").text


def test_navigation_counts_what_this_person_can_decide(proposal: Proposal, maker: User, checker: User) -> None:
    assert '<span class="count">1</span>' in signed_in(checker).get("/me/").text.split('href="/approvals/"')[1][:400]
    assert '<span class="count">' not in signed_in(maker).get("/me/").text.split('href="/approvals/"')[1][:400]


def test_filters_stand_in_the_address_and_hidden_rows_are_told(proposal: Proposal, checker: User) -> None:
    client = signed_in(checker)
    for found in (proposal.public_number, str(proposal.number), "maker", "adjustment"):
        assert proposal.public_number in client.get("/approvals/", {"view": "waiting", "q": found}).text
    hidden = client.get("/approvals/", {"view": "waiting", "q": "nothing like it"}).text
    assert "No proposal matches these filters" in hidden
    assert "1 proposal hidden by them" in hidden
    assert proposal.public_number not in client.get("/approvals/", {"view": "waiting", "status": "changes_requested"}).text
    assert proposal.public_number not in client.get("/approvals/", {"view": "waiting", "expires": "24"}).text


def test_a_filter_swaps_the_results_alone(proposal: Proposal, checker: User) -> None:
    fragment = signed_in(checker).get("/approvals/?view=waiting", headers={"HX-Request": "true", "HX-Target": "results"}).text
    assert "<html" not in fragment
    assert fragment.strip().startswith('<div class="list-results" id="results">')
    assert 'hx-swap-oob="true"' in fragment


def test_pages_of_a_list_reach_every_row_once_both_ways(bank: Source, maker: User, checker: User, monkeypatch: pytest.MonkeyPatch) -> None:
    charges = [("D", 50 + n, f"CHARGE{n}") for n in range(7)]
    scene.reconcile(scene.mt940(*charges), source=bank, by=maker)
    for _, _, reference in charges:
        scene.propose(scene.break_of(reference=reference), by=maker)
    monkeypatch.setattr("ledgerops.lib.paging.page_of.__kwdefaults__", {"size": 3}, raising=False)
    client = signed_in(checker)
    for view in ("waiting", "mine"):
        reader = client if view == "waiting" else signed_in(maker)
        seen: list[str] = []
        page = reader.get(f"/approvals/?view={view}")
        while True:
            seen += [row.proposal.public_number for row in page.context["rows"]]
            older = page.context["page"].older
            if not older:
                break
            page = reader.get("/approvals/" + older)
        assert len(seen) == len(set(seen)) == 7
        back = reader.get("/approvals/" + page.context["page"].newer)
        assert [row.proposal.public_number for row in back.context["rows"]] == seen[3:6]
        assert [row.proposal.public_number for row in reader.get("/approvals/" + back.context["page"].newer).context["rows"]] == seen[:3]


def test_review_shows_what_is_signed_and_why_one_cannot_sign(proposal: Proposal, maker: User, deciding_maker: User, checker: User) -> None:
    digest = proposal.versions.get().digest
    page = signed_in(checker).get(f"/approvals/{proposal.pk}/").text
    assert "Needs 1 of 1 approval" in page
    assert f'name="digest" value="{digest}"' in page
    assert f"sha256 {digest[:4]}…{digest[-4:]}" in page
    assert "Approve and post" in page
    for check in ("The maker is not among those who decide", "1 other person must approve", "Debits equal credits", "is open"):
        assert check in page
    own = signed_in(deciding_maker).get(f"/approvals/{proposal.pk}/").text
    assert "You made this proposal, so somebody else must decide it." in own
    assert 'id="decision"' not in own
    assert f"Withdraw {proposal.public_number}" in own


def test_review_of_a_second_version_shows_what_changed(proposal: Proposal, maker: User, checker: User) -> None:
    decide_directly(checker, proposal, "request_changes", "say which tariff")
    revise(proposal, maker, counter_account="4010")
    page = signed_in(checker).get(f"/approvals/{proposal.pk}/")
    assert "Changed since version 1" in page.text
    assert "say which tariff" in page.text
    changed = {change.field: change.comparison for change in page.context["changes"]}
    assert set(changed) == {"Narrative", "Counter account", "Line 1"}
    assert "".join(part.text for part in changed["Line 1"].right) == "debit 4010 0.50 USD"
    history = signed_in(checker).get(f"/approvals/{proposal.pk}/?tab=history").text
    for version in proposal.versions.all():
        assert version.digest in history


def test_maker_is_led_to_the_break_to_revise(proposal: Proposal, maker: User, checker: User) -> None:
    decide_directly(checker, proposal, "request_changes", "say which tariff")
    assert f"/adjustments/{proposal.pk}/edit/" in signed_in(maker).get(f"/approvals/{proposal.pk}/").text
    response = signed_in(maker).get(f"/adjustments/{proposal.pk}/edit/")
    assert (response.status_code, response.headers["Location"]) == (302, f"/breaks/{proposal.target_id}/?revise={proposal.pk}")


def test_preferences_are_kept_in_cookies_and_unknown_ones_refused(maker: User) -> None:
    client = signed_in(maker)
    response = client.post("/me/", {"theme": "dark", "density": "compact", "keys": "off"})
    assert response.status_code == 302
    page = client.get("/me/").text
    assert 'data-theme="dark" data-density="compact" data-keys="off"' in page
    assert client.post("/me/", {"theme": "neon", "density": "compact", "keys": "off"}).status_code == 422
    assert client.post("/me/theme/", {"theme": "light"}, headers={"HX-Request": "true"}).status_code == 204
    assert 'data-theme="light"' in client.get("/me/").text
    plain = client.post("/me/theme/", {"theme": "auto"}, headers={"Referer": "http://testserver/adjustments/"})
    assert (plain.status_code, plain.headers["Location"]) == (302, "http://testserver/adjustments/")
    elsewhere = client.post("/me/theme/", {"theme": "auto"}, headers={"Referer": "https://example.org/"})
    assert elsewhere.headers["Location"] == "/me/"
    assert client.post("/me/theme/", {"theme": "neon"}).status_code == 422


def test_own_roles_sight_and_sign_ins_are_shown(maker: User, bank: Source) -> None:
    page = signed_in(maker).get("/me/").text
    for shown in ("Analyst", "All accounts", "Bank USD", "Meridian", "Signed in", "/account/mfa/"):
        assert shown in page


@pytest.mark.parametrize(("path", "permission"), [("/audit/", "audit.search_trail"), ("/audit/objects/a.b/1/", "audit.search_trail")])
def test_refused_page_leaves_one_event_and_nothing_else(maker: User, path: str, permission: str) -> None:
    client = signed_in(maker)
    known = set(AuditEvent.objects.values_list("pk", flat=True))
    with writes_nothing():
        response = client.get(path)
    assert response.status_code == 403
    (event,) = AuditEvent.objects.exclude(pk__in=known)
    assert event.request_id == response.headers["X-Request-ID"]
    assert event.request_id in response.text
    assert (event.action, event.outcome, event.actor_id, event.target_id) == ("approvals.access.refused", "refused", maker.pk, path)
    assert event.after == {"method": "GET", "permission": permission}


def test_refused_api_call_leaves_one_event(proposal: Proposal, maker: User) -> None:
    client = signed_in(maker)
    known = set(AuditEvent.objects.values_list("pk", flat=True))
    body = {"version": 1, "digest": "0" * 64, "outcome": "approve", "comment": ""}
    with writes_nothing():
        response = client.post(f"/api/v1/proposals/{proposal.pk}/decisions", body, content_type="application/json")
    assert response.status_code == 403
    (event,) = AuditEvent.objects.exclude(pk__in=known)
    assert (event.action, event.outcome) == ("approvals.access.refused", "refused")
