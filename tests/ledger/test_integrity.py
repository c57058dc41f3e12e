"""The integrity checker: what is right stays silent, what is wrong is named, stops posting in its scope and is put right by two people."""

import os
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connection, connections
from django.utils import timezone

from approvals import operations as approvals
from approvals.models import DecisionOutcome, Proposal, ProposalStatus, User
from approvals.operations.proposals import ProposalInvalid
from audit.models import AuditEvent
from ledger import operations
from ledger.models import Account, Alert, Balance, IntegrityFinding, IntegrityRun, JournalEntry, VerifiedPosition
from ledger.operations import integrity
from ledger.operations import integrity_screens as screens
from ledgerops.runtime.models import Switch
from tests.conftest import SUPERUSER_URL
from tests.fixtures import Post, signed_in
from tests.integrity_scene import busy_books
from tests.notation import writes_nothing

pytestmark = pytest.mark.django_db(transaction=True)

DEPOSIT = "1010 debit 10.00 USD / 2010 credit 10.00 USD"
WRONG = (
    "UPDATE ledger_balance SET posted_credits_minor = posted_credits_minor + 77"
    " WHERE account_id = (SELECT id FROM ledger_account WHERE code = '2010')"
)
NARRATIVE = "The balance row was restored from a damaged page"


def tamper(sql: str) -> None:
    with psycopg.connect(os.environ[SUPERUSER_URL], dbname=connections["default"].settings_dict["NAME"], autocommit=True) as session:
        session.execute("SET session_replication_role = replica")
        session.execute(sql.encode())


def open_findings() -> set[str]:
    return set(IntegrityFinding.objects.filter(resolved_at=None).values_list("check_name", flat=True))


def test_sound_books_neither_examination_finds_anything_it(roles: None, person: Callable[[str, str], User]) -> None:
    busy_books(maker=person("maker", "Analyst"), checker=person("checker", "Approver"))
    for full in (False, True, False):
        run = operations.check_books(full=full)
        assert [finding.sentence for finding in IntegrityFinding.objects.all()] == []
        assert run.finished_at is not None
        assert {step["state"] for step in run.progress} == {"done"}


def cut(row: str, *entries: UUID) -> screens.Cut:
    return screens.Cut(row=row, lowest=min(entries), highest=max(entries))


def test_books_screened_range_by_range_the_same_is_found(
    roles: None, person: Callable[[str, str], User], monkeypatch: pytest.MonkeyPatch
) -> None:
    busy_books(maker=person("maker", "Analyst"), checker=person("checker", "Approver"))
    tamper("UPDATE ledger_posting SET amount_minor = amount_minor + 1 WHERE line = 2 AND entry_id IN (SELECT id FROM ledger_entry LIMIT 3)")
    tamper("UPDATE ledger_entry SET posted_at = posted_at - interval '1 year' WHERE number = (SELECT max(number) FROM ledger_entry)")
    tamper("DELETE FROM ledger_entry WHERE number = (SELECT max(number) - 1 FROM ledger_entry)")
    ids = list(JournalEntry.objects.order_by("id").values_list("pk", flat=True))
    last, far = ids[-1], UUID(int=0)
    found: list[set[tuple[str, str]]] = []
    for cuts in (
        [],
        [cut("(0,9)", *ids)],
        [cut("(0,6)", *ids[:9]), cut("(0,9)", *ids[2:12]), cut("(0,15)", last), cut("(9,0)", last)],
        [cut("(0,9)", far)],
    ):
        monkeypatch.setattr(integrity, "_cuts", lambda _cursor, cuts=cuts: cuts)
        tamper("DELETE FROM ledger_integrity_finding")
        operations.check_books(full=True)
        found.append(set(IntegrityFinding.objects.values_list("check_name", "object_id")))
    assert {"entry_balances", "posted_in_order", "postings_have_their_entry", "balance_is_its_postings"} <= {name for name, _ in found[0]}
    assert found == [found[0]] * 4


def test_sound_books_no_range_makes_a_finding_of_an_entry_that_lies_elsewhere(
    roles: None, person: Callable[[str, str], User], monkeypatch: pytest.MonkeyPatch
) -> None:
    busy_books(maker=person("maker", "Analyst"), checker=person("checker", "Approver"))
    monkeypatch.setattr(integrity, "MANY_SUSPECTS", 2)
    monkeypatch.setattr(integrity, "_cuts", lambda _cursor: [cut("(0,3)", UUID(int=0)), cut("(0,8)", UUID(int=1))])
    assert operations.check_books(full=True).findings_count == 0


def out_of_order() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(screens.out_of_order([]))
        accounts, firsts, lasts = [list(column) for column in zip(*cursor.fetchall(), strict=True)] or [[], [], []]
        cursor.execute(screens.EARLY, {"accounts": accounts, "firsts": firsts, "lasts": lasts})
        return set(Account.objects.filter(pk__in=[pk for (pk,) in cursor.fetchall()]).values_list("code", flat=True))


@pytest.mark.parametrize("shifted", [0, 2044, 2045, 2046])
def test_an_instant_before_its_predecessors_is_found_on_either_side_of_a_stretch(post: Post, shifted: int) -> None:
    entries = [post(DEPOSIT).entry_id for _ in range(5)]
    post("1010 debit 5.00 USD / 2020 credit 5.00 USD")
    tamper(f"UPDATE ledger_posting SET account_seq = account_seq + {shifted}")
    assert out_of_order() == set()
    for entry in entries[1:]:
        tamper(f"UPDATE ledger_entry SET posted_at = posted_at - interval '1 day' WHERE id = '{entry}'")
        assert out_of_order() == {"1010", "2010"}
        tamper(f"UPDATE ledger_entry SET posted_at = posted_at + interval '1 day' WHERE id = '{entry}'")
    tamper(f"UPDATE ledger_entry SET posted_at = 'infinity' WHERE id = '{entries[0]}'")
    assert out_of_order() == {"1010", "2010"}


def test_ranges_are_about_alike_and_small_books_have_one() -> None:
    cuts = screens.pages_to_cut(pages=30_381, entries=200_000)
    assert len(cuts) == 15
    assert {later - earlier for earlier, later in pairwise(cuts)} <= {1898, 1899}
    assert len(screens.pages_to_cut(pages=10_000_000, entries=60_000_000)) == screens.MOST_RANGES - 1
    assert screens.pages_to_cut(pages=30, entries=10_000) == []


def test_cuts_say_which_entries_they_run_through(post: Post) -> None:
    entries = [post(DEPOSIT).entry_id for _ in range(3)]
    with connection.cursor() as cursor:
        cursor.execute(screens.cuts_at([0]))
        assert cursor.fetchall() == [("(0,0)", entries[0], entries[-1])]


def test_examination_it_writes_nothing_but_its_own_rows(post: Post) -> None:
    post(DEPOSIT)
    with writes_nothing(except_in=["ledger_integrity_run", "ledger_verified_position"]):
        operations.check_books(full=True)
        operations.check_what_is_new()


def test_new_postings_alone_are_looked_at_each_minute(post: Post) -> None:
    post(DEPOSIT)
    assert operations.check_what_is_new().postings_checked == 2
    assert operations.check_what_is_new().postings_checked == 0
    post(DEPOSIT)
    assert operations.check_what_is_new().postings_checked == 2
    assert set(VerifiedPosition.objects.values_list("account_seq", flat=True)) == {2}


def test_finding_it_stops_posting_there_tells_people_and_is_open_once(post: Post) -> None:
    post(DEPOSIT)
    operations.check_what_is_new()
    tamper(WRONG)
    for _ in range(2):
        operations.check_what_is_new()
    assert open_findings() == {"balance_is_its_postings", "days_add_up", "trial_balance_is_zero"}
    finding = IntegrityFinding.objects.get(check_name="balance_is_its_postings")
    assert "credits 10.77 USD" in finding.sentence
    assert "10.00 USD" in finding.sentence
    assert Alert.objects.filter(kind="integrity").count() == 3
    assert AuditEvent.objects.filter(action="ledger.integrity.found", target_id=str(finding.pk)).count() == 1
    assert set(Switch.objects.values_list("scope", "passes_approved")) == {("account:2010", True), ("entity:M1", True)}


def test_finding_about_one_account_other_accounts_post_on_it(post: Post) -> None:
    post(DEPOSIT)
    post("1010 debit 5.00 USD / 2020 credit 5.00 USD")
    tamper("UPDATE ledger_posting SET balance_after_minor = 1 WHERE account_id = (SELECT id FROM ledger_account WHERE code = '2010')")
    operations.check_what_is_new()
    assert open_findings() == {"balance_after_follows"}
    with pytest.raises(operations.PostingRefused, match="stopped"):
        post(DEPOSIT)
    post("1010 debit 5.00 USD / 2020 credit 5.00 USD")


def test_finding_that_is_right_again_a_full_examination_closes_it(post: Post) -> None:
    post(DEPOSIT)
    tamper(WRONG)
    operations.check_books(full=True)
    tamper(WRONG.replace("+ 77", "- 77"))
    operations.check_books(full=True)
    assert open_findings() == set()
    assert AuditEvent.objects.filter(action="ledger.integrity.resolved").count() == 3


def test_only_one_worker_examines_at_a_time(post: Post) -> None:
    waiting = operations.request_integrity_run(requested_by_id=1)
    assert operations.request_integrity_run(requested_by_id=2) == waiting
    assert operations.waiting_integrity_runs() == [waiting.pk]
    minute = IntegrityRun.objects.create(
        full=False, progress=[{"check": "entry_balances", "state": "current", "objects": 0, "findings": 0}]
    )
    assert operations.check_what_is_new() == minute
    IntegrityRun.objects.filter(pk=minute.pk).update(heartbeat_at=timezone.now() - timedelta(minutes=6))
    fresh = operations.check_what_is_new()
    minute.refresh_from_db()
    assert fresh != minute
    assert minute.finished_at is not None
    operations.execute_integrity_run(run_id=waiting.pk)
    assert operations.waiting_integrity_runs() == []


def proposed(maker: User) -> Proposal:
    return operations.propose_rebuild(account="2010", reason_code="REBUILD", narrative=NARRATIVE, maker_id=maker.pk)


def test_figures_are_rebuilt_by_two_people_and_the_findings_close(post: Post, maker: User, checker: User) -> None:
    post(DEPOSIT)
    tamper(WRONG)
    operations.check_books(full=True)
    proposal = proposed(maker)
    version = proposal.versions.get()
    done = approvals.decide(
        proposal_id=proposal.pk, version=1, digest=version.digest, outcome=DecisionOutcome.APPROVE, comment="", approver_id=checker.pk
    )
    assert done.status == ProposalStatus.EXECUTED
    assert Balance.objects.get(account__code="2010").posted_credits_minor == 1000
    assert open_findings() == {"trial_balance_is_zero"}
    operations.check_what_is_new()
    assert open_findings() == set()
    event = AuditEvent.objects.get(action="ledger.derived.rebuilt")
    assert event.before is not None
    assert event.after is not None
    assert (event.before["credits"], event.after["credits"]) == ("1077", "1000")


def test_figures_that_are_right_nobody_rebuilds_them(post: Post, maker: User, checker: User) -> None:
    post(DEPOSIT)
    with writes_nothing(), pytest.raises(operations.NothingToRebuild):
        proposed(maker)
    tamper(WRONG)
    with writes_nothing(), pytest.raises(ProposalInvalid):
        operations.propose_rebuild(account="2010", reason_code="REBUILD", narrative="too short", maker_id=maker.pk)


def test_figures_that_changed_meanwhile_the_proposal_is_stale(post: Post, maker: User, checker: User) -> None:
    post(DEPOSIT)
    tamper(WRONG)
    proposal = proposed(maker)
    tamper(WRONG)
    version = proposal.versions.get()
    done = approvals.decide(
        proposal_id=proposal.pk, version=1, digest=version.digest, outcome=DecisionOutcome.APPROVE, comment="", approver_id=checker.pk
    )
    assert done.status == ProposalStatus.STALE
    assert Balance.objects.get(account__code="2010").posted_credits_minor == 1154


def test_pages_show_the_proof_and_lead_from_a_finding_to_its_repair(post: Post, maker: User, checker: User, stranger: User) -> None:
    post(DEPOSIT)
    tamper(WRONG)
    run = operations.check_books(full=True)
    client = signed_in(maker)
    finding = IntegrityFinding.objects.get(check_name="balance_is_its_postings")
    page = client.get("/integrity/").content.decode()
    assert finding.sentence in page
    assert f"/integrity/findings/{finding.pk}/" in page
    assert client.get(f"/integrity/runs/{run.pk}/").status_code == 200
    shown = client.get(f"/integrity/findings/{finding.pk}/").content.decode()
    assert "Propose rebuild" in shown
    assert "1077" in shown
    refused = client.post(f"/integrity/findings/{finding.pk}/rebuild/", {"reason_code": "REBUILD", "narrative": "short"})
    assert refused.status_code == 422
    sent = client.post(f"/integrity/findings/{finding.pk}/rebuild/", {"reason_code": "REBUILD", "narrative": NARRATIVE})
    assert sent.headers["Location"] == f"/approvals/{Proposal.objects.get().pk}/"
    review = signed_in(checker).get(sent.headers["Location"]).content.decode()
    assert "Figures of 2010" in review
    assert signed_in(stranger).get(f"/integrity/findings/{finding.pk}/").status_code == 404
    assert finding.sentence not in signed_in(stranger).get("/integrity/").content.decode()


def test_a_controller_starts_an_examination_and_sees_how_far_it_is(
    post: Post, person: Callable[[str, str], User], monkeypatch: pytest.MonkeyPatch, maker: User
) -> None:
    rung: list[dict[str, Any]] = []
    monkeypatch.setattr("ledger.tasks.execute_integrity_run.delay", lambda **values: rung.append(values))
    client = signed_in(person("controller", "Controller"))
    assert signed_in(maker).post("/integrity/runs/").status_code == 403
    answer = client.post("/integrity/runs/")
    run = IntegrityRun.objects.get()
    assert answer.headers["Location"] == f"/integrity/runs/{run.pk}/"
    assert rung == [{"run_id": str(run.pk)}]
    assert "waits for a worker" in client.get("/integrity/", headers={"HX-Request": "true", "HX-Target": "progress"}).content.decode()
    operations.execute_integrity_run(run_id=run.pk)
    assert "finished" in client.get(answer.headers["Location"], headers={"HX-Request": "true", "HX-Target": "progress"}).content.decode()
    assert client.get("/integrity/", headers={"HX-Request": "true", "HX-Target": "progress"}).headers["HX-Refresh"] == "true"


def test_rest_tells_the_proof_the_findings_and_takes_a_rebuild(post: Post, maker: User, checker: User, stranger: User) -> None:
    post(DEPOSIT)
    tamper(WRONG)
    operations.check_books(full=True)
    client = signed_in(maker)
    proof = client.get("/api/v1/integrity").json()
    assert (proof["open_findings"], proof["late"]) == (3, False)
    assert {row["name"] for row in proof["checks"] if row["open_findings"]} == open_findings()
    (found,) = client.get("/api/v1/integrity/findings?check=balance_is_its_postings&open=true").json()["results"]
    assert (found["account"], found["found"]["credits"]) == ("2010", "1077")
    assert client.get("/api/v1/integrity/findings?open=false").json()["results"] == []
    assert client.get("/api/v1/integrity/findings?colour=red").status_code == 422
    answer = client.post(
        f"/api/v1/integrity/findings/{found['id']}/rebuild",
        {"reason_code": "REBUILD", "narrative": NARRATIVE},
        content_type="application/json",
    )
    assert answer.status_code == 201
    assert signed_in(stranger).get("/api/v1/integrity/findings").json()["results"] == []
