"""A bank account under reconciliation: what the ledger and the bank say of it, as files, items and breaks."""

import io
from collections.abc import Sequence
from datetime import date

from django.db.models import Exists, OuterRef

from approvals.models import Proposal, ProposalVersion, User
from recon import operations as recon
from recon.models import Allocation, Break, Item, Match, Run, Source, StatementFile
from recon.operations.adjustments import AdjustmentRequest
from tests.fixtures import DAY

IDENTIFIER = "DE00500105170000001010"
NARRATIVE = "The bank's charge of this day was not booked"


def bank() -> Source:
    """Register the bank account of ledger account 1010; roles must exist before, to be given sight of it."""
    return recon.register_source(code="bank", name="Bank USD", identifier=IDENTIFIER, account="1010")


def mt940(*rows: tuple[str, int, str], opening_minor: int = 0, day: date = DAY, number: int = 1, remark: str = "") -> bytes:
    """Return a statement of rows (C or D, minor units, reference) that proves itself; a remark makes other bytes of the same content."""
    stamp = f"{day:%y%m%d}"
    closing = opening_minor + sum(amount if mark == "C" else -amount for mark, amount, _ in rows)
    lines = [f":61:{stamp}{day:%m%d}{mark}{_comma(amount)}NTRF{reference}//B{n}" for n, (mark, amount, reference) in enumerate(rows)]
    body = [
        f":20:S{remark or number}",
        f":25:{IDENTIFIER}",
        f":28C:{number}/1",
        f":60F:{_balance(opening_minor, stamp)}",
        *lines,
        f":62F:{_balance(closing, stamp)}",
    ]
    return ("{1:F01AAAABBCCAXXX0000000000}{2:I940AAAABBCCXXXXN}{4:\r\n" + "\r\n".join(body) + "\r\n-}").encode()


def _comma(minor: int) -> str:
    return f"{minor // 100},{minor % 100:02d}"


def _balance(minor: int, stamp: str) -> str:
    return f"{'C' if minor >= 0 else 'D'}{stamp}USD{_comma(abs(minor))}"


def receive(content: bytes, *, by: User) -> StatementFile:
    file, _ = recon.receive_file(name="statement.sta", content=io.BytesIO(content), maximum_bytes=10**6, received_by_id=by.pk)
    assert file.status != "refused", file.errors
    return file


def accept(content: bytes, *, source: Source, by: User) -> Run:
    (run,) = recon.accept_file(file_id=receive(content, by=by).pk, source_ids=[source.pk])
    return run


def reconcile(content: bytes, *, source: Source, by: User) -> Run:
    """Accept a statement and run the reconciliation to its end."""
    return recon.execute_run(run_id=accept(content, source=source, by=by).pk)


def propose(
    recon_break: Break, *, by: User, counter_account: str = "6420", item_ids: Sequence[int] = ()
) -> tuple[Proposal, ProposalVersion]:
    proposal = recon.propose_adjustment(
        request=AdjustmentRequest(
            break_id=recon_break.pk,
            item_ids=item_ids,
            reason_code="BANK_FEE",
            narrative=NARRATIVE,
            counter_account=counter_account,
            effective_date=DAY,
        ),
        maker_id=by.pk,
    )
    return proposal, proposal.versions.get(n=proposal.current_version)


def break_of(*, reference: str) -> Break:
    """Return the live break about this reference."""
    return Break.objects.exclude(state="resolved").get(reference=reference)


def wrongs() -> list[str]:
    """Return every way in which items, matches and breaks contradict one another; nothing is the right answer."""
    live = Allocation.objects.filter(revoked_at=None, item=OuterRef("pk"))
    said = [f"item {item.pk} is closed without a match" for item in Item.objects.filter(~Exists(live), open=False)]
    said += [f"item {item.pk} is matched and open" for item in Item.objects.filter(Exists(live), open=True)]
    for match in Match.objects.prefetch_related("allocations__item"):
        total = sum(a.item.signed_minor * (1 if a.item.side == "ledger" else -1) for a in match.allocations.all())
        if total or not match.allocations.all():
            said.append(f"match {match.pk} leaves {total}")
    for recon_break in Break.objects.select_related("ledger_item", "statement_item"):
        states = [item.open for item in (recon_break.ledger_item, recon_break.statement_item) if item is not None]
        if recon_break.state == "resolved" and any(states):
            said.append(f"{recon_break.public_number} is resolved and has an open item")
        if recon_break.state != "resolved" and not all(states):
            said.append(f"{recon_break.public_number} is live and has a matched item")
    return said
