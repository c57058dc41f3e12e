"""The way back from an entry to the bank's file, and the timeline of one object."""

from approvals.models import DecisionOutcome, Proposal, User
from approvals.operations import decide
from ledger.models import JournalEntry
from recon.models import Break, StatementFile
from tests.concurrency import scene
from tests.fixtures import Post, signed_in


def posted_charge(maker: User, checker: User) -> tuple[JournalEntry, Proposal]:
    scene.reconcile(scene.mt940(("D", 50, "CHARGE1")), source=scene.bank(), by=maker)
    proposal, version = scene.propose(scene.break_of(reference="CHARGE1"), by=maker)
    decide(
        proposal_id=proposal.pk,
        version=1,
        digest=version.digest,
        outcome=DecisionOutcome.APPROVE,
        comment="as the tariff says",
        approver_id=checker.pk,
    )
    return JournalEntry.objects.get(proposal_id=proposal.pk), proposal


def test_trail_leads_from_the_entry_to_the_bytes_and_to_both_people(maker: User, checker: User, auditor: User) -> None:
    entry, proposal = posted_charge(maker, checker)
    file, recon_break = StatementFile.objects.get(), Break.objects.get()
    page = signed_in(auditor).get(f"/trail/{entry.pk}/")
    assert page.status_code == 200
    for link in (
        f"/ledger/entries/{entry.pk}/",
        f"/approvals/{proposal.pk}/",
        f"/breaks/{recon_break.pk}/",
        f"/statements/{file.statements.get().pk}/",
        f"/statements/files/{file.pk}/",
        f"/audit/objects/ledger.journal_entry/{entry.pk}/",
    ):
        assert f'href="{link}"' in page.text, link
    for told in (file.sha256, proposal.versions.get().digest, "Maker", "Checker", "as the tariff says", "CHARGE1", ":61:"):
        assert told in page.text, told
    assert "Not shown" not in page.text


def test_trail_of_an_entry_of_the_rules_has_its_match_and_no_proposal(maker: User, checker: User, auditor: User, post: Post) -> None:
    posted = post("1010 debit 9.00 USD / 2010 credit 9.00 USD", reference="INV-1")
    scene.reconcile(scene.mt940(("C", 900, "INV-1")), source=scene.bank(), by=maker)
    page = signed_in(auditor).get(f"/trail/{posted.entry_id}/")
    assert "Proposal" not in page.text.split('class="chain"')[1]
    assert StatementFile.objects.get().sha256 in page.text


def test_trail_is_refused_to_those_without_sight(maker: User, checker: User, stranger: User) -> None:
    entry, _ = posted_charge(maker, checker)
    assert signed_in(stranger).get(f"/trail/{entry.pk}/").status_code == 404


def test_timeline_of_a_proposal_holds_what_it_caused(maker: User, checker: User, auditor: User) -> None:
    entry, proposal = posted_charge(maker, checker)
    page = signed_in(auditor).get(f"/audit/objects/approvals.proposal/{proposal.pk}/")
    actions = [row.event.action for row in page.context["rows"]]
    assert {"approvals.proposal.submitted", "approvals.proposal.approved", "approvals.proposal.executed", "recon.adjustment.posted"} <= set(
        actions
    )
    assert f"/audit/objects/ledger.journal_entry/{entry.pk}/" in page.text
    of_entry = signed_in(auditor).get(f"/audit/objects/ledger.journal_entry/{entry.pk}/").text
    assert f"/trail/{entry.pk}/" in of_entry
