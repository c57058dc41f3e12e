"""Parties: two people decide where money may go, one is enough to stop it, and personal data stays apart."""

from collections.abc import Callable

import pytest

from approvals import operations as approvals
from approvals.models import DecisionOutcome, Proposal, ProposalVersion, User
from audit.models import AuditEvent
from ledger import operations
from ledger.models import Account, BeneficialOwnership, ExternalAccount, Party, PartyDetails
from ledger.operations import Details
from ledger.party_rules import normal_identifier, wrong_owners, wrong_servicer
from ledgerops.lib.errors import Refusal
from tests.fixtures import signed_in
from tests.notation import writes_nothing

IBAN = "DE89370400440532013000"
WHY = "The customer asked for it in a signed letter."


@pytest.fixture
def party(chart: dict[str, Account]) -> Party:
    return operations.add_party(code="P-1", kind="customer", details=Details(name="Nora Field", country="US", state="NY"))


def proposed(maker: User, **changes: str) -> Proposal:
    asked = {"party": "P-1", "kind": "bank", "asset": "USD", "identifier": IBAN, "servicer": "COBADEFFXXX", "label": ""} | changes
    return operations.propose_external_account(**asked, reason_code="EXTERNAL_NEW", narrative=WHY, maker_id=maker.pk)


def decided(proposal: Proposal, checker: User, outcome: DecisionOutcome = DecisionOutcome.APPROVE) -> Proposal:
    version = ProposalVersion.objects.get(proposal=proposal)
    return approvals.decide(
        proposal_id=proposal.pk, version=version.n, digest=version.digest, outcome=outcome, comment="As agreed.", approver_id=checker.pk
    )


@pytest.mark.parametrize(
    ("kind", "identifier", "sound"),
    [
        ("bank", "DE89 3704 0044 0532 0130 00", True),
        ("bank", "DE89370400440532013001", False),
        ("bank", "4410027781", True),
        ("bank", "1", False),
        ("wallet", "0x52908400098527886E0F7030069857D2E4169EE7", True),
        ("wallet", "0x5290840009852788", False),
        ("wallet", "0x52908400098527886E0F7030069857D2E4169EE\uff17", False),
    ],
)
def test_an_identifier_is_checked_by_its_kind(kind: str, identifier: str, *, sound: bool) -> None:
    assert (normal_identifier(kind=kind, identifier=identifier)[1] is None) == sound


@pytest.mark.parametrize(
    ("kind", "servicer", "sound"),
    [("bank", "COBADEFFXXX", True), ("bank", "021000021", True), ("bank", "021000022", False), ("bank", "?", False), ("wallet", "", False)],
)
def test_a_servicer_is_checked_by_its_kind(kind: str, servicer: str, *, sound: bool) -> None:
    assert (wrong_servicer(kind=kind, servicer=servicer) is None) == sound


def test_shares_are_one_whole() -> None:
    half = {"share_basis_points": 5000, "capacity": "JNT"}
    assert wrong_owners([{"owner": "A", **half}, {"owner": "B", **half}]) is None
    assert wrong_owners([{"owner": "A", **half}]) is not None
    assert wrong_owners([{"owner": "A", **half}, {"owner": "A", **half}]) is not None


def test_an_account_outside_is_allowed_by_two_people_and_stopped_by_one(party: Party, maker: User, checker: User) -> None:
    proposal = proposed(maker)
    external = ExternalAccount.objects.get()
    assert (external.status, external.identifier) == ("proposed", IBAN)
    assert decided(proposal, checker).status == "executed"
    external.refresh_from_db()
    assert (external.status, external.proposal_id) == ("allowed", proposal.pk)
    with writes_nothing(), pytest.raises(Refusal) as refused:
        operations.revoke_external_account(external_account_id=external.pk, reason="no")
    assert refused.value.field == "reason"
    assert operations.revoke_external_account(external_account_id=external.pk, reason="The bank reports it closed.").status == "revoked"
    assert AuditEvent.objects.filter(action="ledger.external_account.revoked", outcome="done").count() == 1


def test_an_account_is_listed_once_and_free_again_once_refused(party: Party, maker: User, checker: User) -> None:
    first = proposed(maker)
    with pytest.raises(Refusal) as refused:
        proposed(maker, identifier="DE89 3704 0044 0532 0130 00")
    assert (refused.value.code, refused.value.field) == ("party_conflict", "identifier")
    decided(first, checker, DecisionOutcome.REJECT)
    assert ExternalAccount.objects.get().status == "revoked"
    assert decided(proposed(maker), checker).status == "executed"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"identifier": "DE89370400440532013001"}, "identifier"),
        ({"servicer": "nobody"}, "servicer"),
        ({"asset": "GOLD"}, "asset"),
        ({"party": "P-9"}, "party"),
    ],
)
def test_a_wrong_account_is_refused_by_its_field(party: Party, maker: User, checker: User, changes: dict[str, str], field: str) -> None:
    with writes_nothing(), pytest.raises(Refusal) as refused:
        proposed(maker, **changes)
    assert refused.value.field == field


def test_owners_change_by_proposal_and_stale_ones_do_not(party: Party, maker: User, checker: User) -> None:
    operations.add_party(code="O-1", kind="beneficial_owner", details=Details(name="Owner"))
    changes = {"owners": [{"owner": "O-1", "share_basis_points": 10_000, "capacity": "SGL"}]}
    one = operations.propose_party_change(party="P-1", changes=changes, reason_code="PARTY_CHANGE", narrative=WHY, maker_id=maker.pk)
    assert decided(one, checker).status == "executed"
    assert [(o.owner.code, o.share_basis_points) for o in BeneficialOwnership.objects.all()] == [("O-1", 10_000)]
    with pytest.raises(Refusal) as refused:
        operations.propose_party_change(party="P-1", changes=changes, reason_code="PARTY_CHANGE", narrative=WHY, maker_id=maker.pk)
    assert "nothing would change" in str(refused.value)


def test_personal_data_is_read_on_the_trail_and_erased_once_closed(party: Party, maker: User, checker: User, auditor: User) -> None:
    assert signed_in(auditor).post("/parties/P-1/details/").status_code == 403
    page = signed_in(maker).post("/parties/P-1/details/")
    assert "Nora Field" in page.content.decode()
    assert AuditEvent.objects.filter(action="ledger.party.details_read", target_id="P-1").count() == 1
    assert "Nora Field" not in signed_in(auditor).get("/parties/P-1/").content.decode()
    with pytest.raises(Refusal):
        operations.erase_details(party_id=party.pk, reason="Asked to be forgotten.")
    closing = operations.propose_party_change(
        party="P-1", changes={"status": "closed"}, reason_code="PARTY_CHANGE", narrative=WHY, maker_id=maker.pk
    )
    decided(closing, checker)
    operations.erase_details(party_id=party.pk, reason="Asked to be forgotten.")
    assert not PartyDetails.objects.filter(party=party).exists()
    assert not any("Nora" in str(event.after) + str(event.before) for event in AuditEvent.objects.all())


def test_pages_are_in_the_sight_of_roles_alone(party: Party, maker: User, stranger: User, person: Callable[[str, str], User]) -> None:
    assert signed_in(maker).get("/parties/?q=P-1").context["page"].rows == [party]
    assert signed_in(maker).get("/parties/?q=Nora").context["page"].rows == [party]
    assert signed_in(stranger).get("/parties/").context["page"].rows == []
    assert signed_in(stranger).get("/parties/P-1/").status_code == 404
    assert signed_in(person("administrator", "Administrator")).get("/parties/").status_code == 403
    answer = signed_in(maker).post("/parties/P-1/external/", {"kind": "bank", "asset": "USD", "identifier": "x", "servicer": "COBADEFFXXX"})
    assert answer.status_code == 422
    assert b'value="x"' in answer.content
