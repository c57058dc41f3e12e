"""Proofs: figures are what plain adding of the raw rows gives, what is frozen comes out the same again, and what fails is loud."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from approvals import operations as approvals
from approvals.models import DecisionOutcome, Proposal, User
from audit.models import AuditEvent
from ledger import operations as ledger
from ledger.models import Account, AccountType, Alert, OwnerClass, Posting, ReserveClass
from ledgerops.lib.transactions import database_now
from recon import operations, proof_queries
from recon.chain.values import ZERO_ADDRESS
from recon.models import ChainDelivery, ChainKind, FinalRule, ProofCertificate, ProofDefinition, ProofResult, Source, SourceKind, Statement
from recon.operations.chain_pushes import PushedBlock, PushedTransfer, push_blocks, push_transfers
from recon.operations.chain_reading import read_chain
from recon.operations.chain_settings import set_chain
from recon.operations.proofs import ProofInvalid, ProofRefused, define_proof, prove, prove_days
from tests.concurrency.scene import IDENTIFIER, mt940, receive, reconcile
from tests.database.around import refused_by, session_of
from tests.fixtures import DAY, ENTITY, GROUP, Post, signed_in
from tests.notation import writes_nothing

NEXT = DAY + timedelta(days=1)
NARRATIVE = "Looked at every bank balance and at what is on its way"
BASE = {"code": "USD-CUSTOMERS", "name": "Customers' dollars", "kind": "customer_money", "entity": ENTITY, "asset": "USD"}


@pytest.fixture
def bank(chart: dict[str, Account], roles: None, monkeypatch: pytest.MonkeyPatch) -> Source:
    """The bank account for the benefit of customers."""
    monkeypatch.setattr("recon.tasks.execute_run.delay", lambda **_: None)
    assert chart
    return operations.register_source(code="fbo", name="Bank, customers", identifier=IDENTIFIER, account="1020")


@pytest.fixture
def definition(bank: Source, maker: User) -> ProofDefinition:
    return define_proof(**BASE, terms={"sources": [bank.code], "own": ["4010"]}, starts_on=DAY, defined_by_id=maker.pk)


def content(result: ProofResult) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.canonical)
    return found


def stands(result: ProofResult) -> tuple[str, int | None]:
    return result.outcome, None if result.difference_minor is None else int(result.difference_minor)


def owed_by_hand(day: date) -> tuple[int, int]:
    """Return what customers are owed at the end of a day and what others have overdrawn, leg by leg."""
    held: dict[str, int] = {}
    of_customers = Posting.objects.filter(effective_date__lte=day, account__owner_class="customer", asset__code="USD")
    for leg in of_customers.select_related("account"):
        sign = 1 if leg.direction == "credit" else -1
        held[leg.account.code] = held.get(leg.account.code, 0) + sign * int(leg.amount_minor)
    return sum(minor for minor in held.values() if minor > 0), sum(minor for minor in held.values() if minor < 0)


@pytest.fixture
def day_of_money(bank: Source, post: Post, maker: User) -> None:
    """Two deposits that the bank has, one that it books the day after, one payment out that it never did, and a fee of ours."""
    post("1020 debit 100.00 USD / 2010 credit 100.00 USD", reference="INV-4001")
    post("1020 debit 50.00 USD / 2020 credit 50.00 USD", reference="INV-4002")
    post("1020 debit 30.00 USD / 2010 credit 30.00 USD", reference="INV-4003")
    post("2020 debit 20.00 USD / 1020 credit 20.00 USD", reference="PAY-7701", kind="withdrawal")
    post("2010 debit 2.00 USD / 4010 credit 2.00 USD", kind="fee")
    reconcile(mt940(("C", 10_000, "INV-4001"), ("C", 5_000, "INV-4002"), ("C", 700, "WHO-KNOWS")), source=bank, by=maker)
    reconcile(mt940(("C", 3_000, "INV-4003"), opening_minor=15_700, day=NEXT, number=2), source=bank, by=maker)


@pytest.mark.usefixtures("day_of_money")
def test_customer_money_is_proven_to_the_cent_it(definition: ProofDefinition) -> None:
    result = prove(definition_id=definition.pk, day=DAY)
    said, (owed, _) = content(result), owed_by_hand(DAY)
    bank = int(Statement.objects.get(closing_date=DAY).closing_minor or 0)
    assert (said["banks"][0]["minor"], said["banks"][0]["rule"], bank) == ("15700", "closing_of_the_day", 15_700)
    # On its way: what the bank books tomorrow, what it has not paid, and what the books do not have.
    assert sorted((one["side"], one["reference"], int(one["minor"])) for one in said["in_transit"]) == [
        ("ledger", "INV-4003", 3_000), ("ledger", "PAY-7701", -2_000), ("statement", "WHO-KNOWS", -700),
    ]  # fmt: skip
    assert said["banks"][0]["unexplained_minor"] == "0"
    assert said["accounts"] == [{"account": "4010", "counts_minor": "-200", "name": "Fees earned", "role": "own"}]
    assert (int(said["held_minor"]), int(said["owed_minor"])) == (bank + 3_000 - 2_000 - 700 - 200, owed)
    assert stands(result) == ("holds", 0)


@pytest.mark.usefixtures("day_of_money")
def test_what_the_bank_books_later_is_no_longer_on_its_way_the_day_after_it(definition: ProofDefinition) -> None:
    said = content(prove(definition_id=definition.pk, day=NEXT))
    assert {one["reference"] for one in said["in_transit"]} == {"PAY-7701", "WHO-KNOWS"}
    assert said["outcome"] == "holds"


@pytest.mark.usefixtures("day_of_money")
def test_who_overdrew_never_makes_up_for_others_it(definition: ProofDefinition, post: Post, bank: Source, maker: User) -> None:
    post("2020 debit 45.00 USD / 1020 credit 45.00 USD", reference="PAY-7702", kind="withdrawal")
    result = prove(definition_id=definition.pk, day=DAY)
    said, (owed, overdrawn) = content(result), owed_by_hand(DAY)
    assert (owed, overdrawn) == (12_800, -1_500)
    assert (int(said["owed_minor"]), int(said["negative_minor"])) == (owed, overdrawn)
    assert said["negative"] == [{"account": "2020", "minor": "-1500", "party": ""}]
    assert stands(result) == ("shortfall", -1_500)
    assert said["actions"] == [{"action": "fund_overdrawn", "minor": "1500"}]
    alert = Alert.objects.get(kind="proof")
    assert alert.account is not None
    assert (alert.account.code, alert.detail["result"]) == ("1020", str(result.pk))
    assert f"/proofs/results/{result.pk}/" in signed_in(maker).get("/alerts/").content.decode()
    # Still failing rings nobody a second time.
    post("1020 debit 1.00 USD / 2010 credit 1.00 USD")
    assert prove(definition_id=definition.pk, day=DAY).n == 2
    assert Alert.objects.filter(kind="proof").count() == 1


@pytest.mark.usefixtures("day_of_money")
def test_our_own_money_among_theirs_is_a_surplus_it(bank: Source, maker: User) -> None:
    without_ours = define_proof(**BASE, terms={"sources": [bank.code]}, starts_on=DAY, defined_by_id=maker.pk)
    result = prove(definition_id=without_ours.pk, day=DAY)
    assert stands(result) == ("surplus", 200)
    assert content(result)["actions"] == [{"action": "take_out_own_money", "minor": "200"}]


def test_without_a_closing_balance_the_next_opening_counts_it(definition: ProofDefinition, bank: Source, post: Post, maker: User) -> None:
    post("1020 debit 100.00 USD / 2010 credit 100.00 USD", reference="INV-4001")
    reconcile(mt940(("C", 10_000, "INV-4001")), source=bank, by=maker)
    quiet = prove(definition_id=definition.pk, day=NEXT)
    assert (quiet.outcome, content(quiet)["banks"][0]["rule"], quiet.difference_minor) == ("incomplete", "missing", None)
    assert not Alert.objects.filter(kind="proof").exists()
    reconcile(mt940(("C", 1, "X"), opening_minor=10_000, day=NEXT + timedelta(days=1), number=2), source=bank, by=maker)
    later = prove(definition_id=definition.pk, day=NEXT)
    assert (later.n, later.outcome, content(later)["banks"][0]["rule"]) == (2, "holds", "next_opening")


# Frozen


@pytest.mark.usefixtures("day_of_money")
def test_the_same_instant_gives_the_same_bytes_it(definition: ProofDefinition, post: Post, bank: Source, maker: User) -> None:
    first = prove(definition_id=definition.pk, day=DAY)
    assert prove(definition_id=definition.pk, day=DAY).pk == first.pk, "nothing has changed"
    # Afterwards: a backdated deposit, what was on its way is matched, and a match is undone.
    post("1020 debit 5.00 USD / 2010 credit 5.00 USD", reference="INV-4009")
    post("1020 debit 7.00 USD / 2010 credit 7.00 USD", reference="WHO-KNOWS")
    reconcile(mt940(("D", 2_000, "PAY-7701"), opening_minor=18_700, day=NEXT + timedelta(days=1), number=3), source=bank, by=maker)
    assert proof_queries.replays(first)
    later = prove(definition_id=definition.pk, day=DAY)
    assert (first.n, later.n) == (1, 2)
    assert proof_queries.replays(first)
    assert proof_queries.replays(later)
    changed = {change.path for change in proof_queries.changes_between(first, later)}
    assert "owed_minor" in changed
    assert first.digest != later.digest


@pytest.mark.usefixtures("day_of_money")
def test_a_restated_statement_leaves_what_was_known_it(definition: ProofDefinition, bank: Source, maker: User) -> None:
    first = prove(definition_id=definition.pk, day=DAY)
    content_of_file = mt940(("C", 10_000, "INV-4001"), ("C", 5_000, "INV-4002"), remark="again")
    (statement,) = Statement.objects.filter(closing_date=DAY)
    file = receive(content_of_file, by=maker)
    for run in operations.accept_file(file_id=file.pk, source_ids=[bank.pk], restating=[statement.pk]):
        operations.execute_run(run_id=run.pk)
    assert proof_queries.replays(first)
    later = prove(definition_id=definition.pk, day=DAY)
    assert content(later)["banks"][0]["minor"] == "15000"
    assert "WHO-KNOWS" not in {one["reference"] for one in content(later)["in_transit"]}
    assert later.outcome == "holds"


@pytest.mark.usefixtures("day_of_money")
def test_the_daily_round_proves_each_day_once_it(definition: ProofDefinition) -> None:
    assert prove_days(today=DAY + timedelta(days=3)) == 3
    assert prove_days(today=DAY + timedelta(days=3)) == 0
    # The third day lacks its statement, so it is looked at again; nothing new is said.
    assert sorted(ProofResult.objects.values_list("day", "outcome")) == [
        (DAY, "holds"), (NEXT, "holds"), (NEXT + timedelta(days=1), "incomplete"),
    ]  # fmt: skip
    assert AuditEvent.objects.filter(action="recon.proof.made", target_id=definition.code).count() == 3


def test_a_day_that_has_not_ended_is_not_proven_it(definition: ProofDefinition) -> None:
    with writes_nothing(), pytest.raises(ProofRefused):
        prove(definition_id=definition.pk, day=database_now().date())
    with writes_nothing(), pytest.raises(ProofRefused):
        prove(definition_id=definition.pk, day=DAY - timedelta(days=1))


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({}, "sources"),
        ({"sources": ["nobody"]}, "sources"),
        ({"sources": ["fbo"], "programs": ["NONE"]}, "programs"),
        ({"sources": ["fbo"], "own": ["2010"]}, "own"),
        ({"sources": ["fbo"], "own": ["1900"], "in_transit": ["1900"]}, "own"),
        ({"sources": ["fbo"], "secret": []}, "terms"),
    ],
)
@pytest.mark.usefixtures("bank")
def test_terms_that_name_what_is_not_there_are_refused_it(maker: User, terms: dict[str, Any], field: str) -> None:
    with writes_nothing(), pytest.raises(ProofInvalid) as refused:
        define_proof(**BASE, terms=terms, starts_on=DAY, defined_by_id=maker.pk)
    assert refused.value.field == field


# Reserves


@pytest.fixture
def token(chart: dict[str, Account], roles: None, maker: User, monkeypatch: pytest.MonkeyPatch) -> ProofDefinition:
    """A token of which 500 were minted and 120 burnt in final blocks of the day, and 50 more the day after."""
    monkeypatch.setattr("recon.tasks.execute_run.delay", lambda **_: None)
    assert chart
    account = {"entity": ENTITY, "group": GROUP}
    ledger.open_account(
        **account, code="2500", name="Issued", asset="USDC", account_type=AccountType.LIABILITY, owner_class=OwnerClass.PLATFORM
    )
    for code, reserve_class in (("1710", ReserveClass.DEMAND_DEPOSIT), ("1720", ReserveClass.TREASURY)):
        ledger.open_account(
            **account, code=code, name=reserve_class.label[:40], asset="USD", account_type=AccountType.ASSET,
            owner_class=OwnerClass.RESERVE, reserve_class=reserve_class,
        )  # fmt: skip
    source = operations.register_source(code="issuance", name="Issuance", identifier="0xc0", account="2500", kind=SourceKind.CHAIN)
    set_chain(
        source_id=source.pk, chain="own:chain", delivery=ChainDelivery.PUSH, kind=ChainKind.ERC20, contract="0xc0", decimals=6,
        addresses=[ZERO_ADDRESS], first_block=0, final_rule=FinalRule.TAG, set_by_id=maker.pk,
    )  # fmt: skip
    moved = [(ZERO_ADDRESS, "0xa", 500), ("0xb", ZERO_ADDRESS, 120), (ZERO_ADDRESS, "0xa", 50)]
    blocks = [
        PushedBlock(
            number=n,
            hash=f"0xb{n}",
            parent_hash=f"0xb{n - 1}",
            mined_at=datetime.combine(DAY if n < 3 else NEXT, time(9 + n), tzinfo=UTC),
            stage="seen",
        )
        for n in range(len(moved) + 1)
    ]
    push_blocks(source_id=source.pk, blocks=blocks)
    transfers = [
        PushedTransfer(tx=f"0xt{n}", index=0, block_hash=f"0xb{n + 1}", sender=one, recipient=other, value=value * 10**6, contract="0xc0")
        for n, (one, other, value) in enumerate(moved)
    ]
    assert {one.result for one in push_transfers(source_id=source.pk, transfers=transfers)} == {"stored"}
    push_blocks(source_id=source.pk, blocks=[replace(block, stage="final") for block in blocks])
    read_chain(source_id=source.pk)
    terms = {"chain": "issuance", "liability": "2500", "reserve_asset": "USD", "freezes_mint": True}
    return define_proof(
        code="TOKEN", name="Token reserves", kind="reserves", entity=ENTITY, asset="USDC", terms=terms, starts_on=DAY,
        defined_by_id=maker.pk,
    )  # fmt: skip


@pytest.fixture
def issued(token: ProofDefinition, post: Post) -> Callable[[str, str], None]:
    """Return what books what was issued, and reserves of two classes."""
    post("1040 debit 380.000000 USDC / 2500 credit 380.000000 USDC", kind="mint")

    def reserve(deposit: str, bills: str) -> None:
        post(f"1710 debit {deposit} USD / 3010 credit {deposit} USD", kind="capital")
        post(f"1720 debit {bills} USD / 3010 credit {bills} USD", kind="capital")

    assert token.kind == "reserves"
    return reserve


def test_reserves_cover_what_is_in_circulation_at_a_final_block_it(token: ProofDefinition, issued: Callable[[str, str], None]) -> None:
    issued("300.00", "95.00")
    result = prove(definition_id=token.pk, day=DAY)
    said = content(result)
    assert (said["minted_minor"], said["burnt_minor"], said["supply_minor"]) == ("500000000", "120000000", "380000000")
    assert (said["block"]["number"], said["block"]["hash"]) == ("2", "0xb2")
    assert (said["required_minor"], said["held_minor"], said["coverage"]) == ("38000", "39500", "1.0394")
    assert said["by_class"] == [{"class": "demand_deposit", "minor": "30000"}, {"class": "treasury", "minor": "9500"}]
    assert stands(result) == ("holds", 1_500)
    assert set(said["checks"].values()) == {True}


def test_a_shortfall_is_loud_and_stops_minting_but_not_redeeming_it(
    token: ProofDefinition, issued: Callable[[str, str], None], post: Post
) -> None:
    issued("300.00", "79.99")
    result = prove(definition_id=token.pk, day=DAY)
    assert stands(result) == ("shortfall", -1)
    assert content(result)["shortfall_minor"] == "1"
    assert Alert.objects.get(kind="proof").detail["proof"] == "TOKEN"
    assert AuditEvent.objects.filter(action="ledger.account.frozen", target_id="2500").exists()
    with pytest.raises(ledger.PostingRefused, match="takes no credits"):
        post("1040 debit 1.000000 USDC / 2500 credit 1.000000 USDC", kind="mint")
    post("2500 debit 1.000000 USDC / 1040 credit 1.000000 USDC", kind="burn")


def test_what_is_issued_beyond_the_books_does_not_hold_it(token: ProofDefinition, issued: Callable[[str, str], None], post: Post) -> None:
    issued("300.00", "95.00")
    post("2500 debit 10.000000 USDC / 1040 credit 10.000000 USDC", kind="burn")
    result = prove(definition_id=token.pk, day=DAY)
    assert (result.outcome, content(result)["checks"]["supply_is_booked"]) == ("mismatch", False)


def test_a_day_before_the_first_final_block_is_incomplete_it(token: ProofDefinition, maker: User) -> None:
    earlier = define_proof(
        code="TOKEN", name="Token reserves", kind="reserves", entity=ENTITY, asset="USDC", terms=token.terms,
        starts_on=DAY - timedelta(days=2), defined_by_id=maker.pk,
    )  # fmt: skip
    assert earlier.version == 2
    assert prove(definition_id=earlier.pk, day=DAY - timedelta(days=1)).outcome == "incomplete"


# Certified by two


@pytest.fixture
def certificate(definition: ProofDefinition, day_of_money: None, maker: User, checker: User) -> ProofCertificate:
    """Have the maker prepare and the checker certify."""
    result = prove(definition_id=definition.pk, day=DAY)
    form = {"reason_code": "PROOF_CERTIFIED", "narrative": NARRATIVE}
    assert signed_in(maker).post(f"/proofs/results/{result.pk}/certify/", form, follow=True).status_code == 200
    proposal = Proposal.objects.get(kind="recon.certify_proof", status="submitted")
    assert signed_in(checker).get(f"/approvals/{proposal.pk}/").status_code == 200
    said = proposal.versions.get(n=1)
    approvals.decide(
        proposal_id=proposal.pk, version=1, digest=said.digest, outcome=DecisionOutcome.APPROVE, comment="", approver_id=checker.pk
    )
    return ProofCertificate.objects.get(result=result)


def test_two_people_certify_what_holds_it(certificate: ProofCertificate, maker: User, checker: User) -> None:
    assert (certificate.prepared_by, certificate.certified_by, certificate.digest) == (maker, checker, certificate.result.digest)
    assert AuditEvent.objects.filter(action="recon.proof.certified").exists()
    page = signed_in(maker).get(f"/proofs/results/{certificate.pk}/").content.decode()
    assert "certified it" in page


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_certificate_stays_it(certificate: ProofCertificate) -> None:
    assert certificate.digest
    with refused_by("recon_proof_certificate_never_changes"), session_of("owner") as session:
        session.execute("SET ROLE ledgerops_owner")
        session.execute("UPDATE recon_proof_certificate SET digest = ''")


@pytest.mark.usefixtures("day_of_money")
def test_what_does_not_hold_is_not_certified_it(bank: Source, maker: User) -> None:
    surplus = define_proof(**BASE, terms={"sources": [bank.code]}, starts_on=DAY, defined_by_id=maker.pk)
    result = prove(definition_id=surplus.pk, day=DAY)
    page = signed_in(maker).post(f"/proofs/results/{result.pk}/certify/", {"reason_code": "PROOF_CERTIFIED", "narrative": NARRATIVE})
    assert page.status_code == 409
    assert not Proposal.objects.exists()


# Pages


@pytest.mark.usefixtures("day_of_money")
def test_pages_show_the_proof_and_what_it_rests_on_it(definition: ProofDefinition, auditor: User, stranger: User) -> None:
    result = prove(definition_id=definition.pk, day=DAY)
    browser = signed_in(auditor)
    assert definition.name.replace("'", "&#x27;") in browser.get("/proofs/").content.decode()
    page = browser.get(f"/proofs/{definition.code}/?day={DAY}").content.decode()
    assert result.digest in page
    assert "WHO-KNOWS" in page
    again = browser.get(f"/proofs/results/{result.pk}/?again=1").content.decode()
    assert "the same bytes" in again
    assert b"".join(browser.post(f"/proofs/results/{result.pk}/download/")).decode() == result.canonical
    assert signed_in(stranger).get(f"/proofs/{definition.code}/").status_code == 404
    assert browser.post(f"/proofs/{definition.code}/prove/").status_code == 403
