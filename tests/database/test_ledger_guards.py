"""Each guard of the registry, holds, limits, structure and approvals of the ledger, written around and named by the guard.

What only a session with the owner's rights could try stands first; then what the runtime role itself may call, and is refused.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Json

from approvals.models import User
from ledger import operations
from ledger.models import (
    Account,
    AccountingPeriod,
    AccountType,
    Asset,
    Close,
    CloseBalance,
    ExternalAccount,
    Hold,
    LegalEntity,
    OwnerClass,
    Party,
    Rate,
    RecurringEntry,
    TransactionType,
)
from ledger.operations import HoldRequest
from ledgerops.runtime.models import Switch
from tests.database.around import (
    LINES,
    Session,
    post_draft,
    post_drafts,
    post_manually,
    refused_by,
    session_of,
    write_decision,
    write_entry,
    write_executed,
    write_execution,
    write_postings,
    write_proposal,
    write_transaction,
)
from tests.fixtures import ENTITY, GROUP, Post

pytestmark = [pytest.mark.django_db(transaction=True, databases=["default", "owner"])]

LATER = datetime(2036, 1, 1, tzinfo=UTC)
NEVER = uuid4()


def hold(account: str = "2010", *, amount: int = 100, expires_at: datetime = LATER) -> UUID:
    request = HoldRequest(
        key=uuid4().hex, type="hold", entity=ENTITY, account=account, direction="debit", amount_minor=amount, asset="USD",
        expires_at=expires_at,
    )  # fmt: skip
    return operations.place_hold(request=request, scope="tests").hold_id


@pytest.fixture
def books(chart: dict[str, Account], post: Post) -> dict[str, Account]:
    """One row, at least, of everything that the registry keeps about an entry."""
    operations.change_account(account=chart["2020"], changes={"overdraft_limit": "0"})
    entry_id = post("1010 debit 10.00 USD / 2010 credit 10.00 USD", key="once").entry_id
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD", key="once")
    post("2010 debit 1.00 USD / 1010 credit 1.00 USD", kind="return", reverses=entry_id)
    assert entry_id is not None
    operations.report_status(transaction_id=entry_id, axis="settlement", to="sent", source="bank", source_event_id="E1")
    operations.release_hold(hold_id=hold(), key="release", scope="tests")
    hold()
    fees = operations.open_account(
        code="4020", name="Fees, busy", entity=ENTITY, group=GROUP, asset="USD", account_type=AccountType.INCOME,
        owner_class=OwnerClass.FEE, controls={"deferred": True},
    )  # fmt: skip
    post("2010 debit 1.00 USD / 4020 credit 1.00 USD", kind="fee")
    with session_of("default") as session:
        session.execute("SELECT ledger_roll_account_v1(%s, 10)", [fees.pk])
    return {**chart, "4020": fees}


@pytest.fixture
def around(books: dict[str, Account]) -> None:
    """One row of what stands beside the books: closes, rates, switches, accounts outside, what recurs."""
    period = AccountingPeriod.objects.get()
    close = Close.objects.create(period=period, n=1, checklist=[], digest="0" * 64)
    CloseBalance.objects.create(close=close, account=books["2010"], debits_minor=0, credits_minor=0, account_seq=0)
    usd, yen = Asset.objects.get(code="USD"), Asset.objects.get(code="JPY")
    Rate.objects.create(base=usd, quote=yen, kind="spot", source="desk", at=LATER, value=150)
    Switch.objects.create(function="posting", scope="entity:M9", reason="because")
    party = Party.objects.create(code="P1", kind="customer")
    ExternalAccount.objects.create(party=party, kind="bank", asset=usd, identifier="DE00")
    RecurringEntry.objects.create(
        code="R1", name="Rent", entity=LegalEntity.objects.get(), entry={}, frequency="monthly", starts_on=date(2026, 1, 1),
        proposal_id=NEVER,
    )  # fmt: skip


# What the owner writes around everything else

OPEN_HOLD = "(SELECT transaction_id FROM ledger_hold WHERE closed_at IS NULL)"
ENDED_HOLD = "(SELECT transaction_id FROM ledger_hold WHERE closed_at IS NOT NULL)"
EVENT = "INSERT INTO ledger_hold_event (id, hold_id, act, amount_minor, terminal, happened_at) VALUES (uuidv7(), {}, '{}', 1, {}, now())"
ROW_OF = "SELECT b.account_id FROM ledger_balance b JOIN ledger_account a ON a.id = b.account_id WHERE a.code"
ONCE = "key = 'once'"
HOLD = (
    "INSERT INTO ledger_hold"
    " (transaction_id, account_id, direction, amount_minor, captured_minor, released_minor, multi_capture, expires_at)"
    " SELECT k.id, h.account_id, '{}', {}, 0, 0, false, h.expires_at FROM ledger_hold h, ledger_transaction k"
    " WHERE h.closed_at IS NULL AND k.key = 'once'"
)

OWNER_REFUSED = [
    # Limits and derived figures.
    ("ledger_balance_keeps_its_limit", f"UPDATE ledger_balance SET posted_debits_minor = 1 WHERE account_id = ({ROW_OF} = '2020')"),
    ("ledger_balance_keeps_its_limit", f"UPDATE ledger_balance SET overdraft_limit_minor = -1 WHERE account_id = ({ROW_OF} = '2010')"),
    ("ledger_balance_components_not_negative", "UPDATE ledger_balance SET pending_debits_minor = -1"),
    (
        "ledger_deferred_account_has_no_limit",
        f"UPDATE ledger_balance SET deferred = true, overdraft_limit_minor = 0 WHERE account_id = ({ROW_OF} = '4010')",
    ),
    ("ledger_deferred_account_is_our_own", f"UPDATE ledger_balance SET deferred = true WHERE account_id = ({ROW_OF} = '1010')"),
    ("ledger_rolled_posting_append_only", "UPDATE ledger_rolled_posting SET balance_after_minor = 0"),
    ("ledger_rolled_posting_append_only", "DELETE FROM ledger_rolled_posting"),
    (
        "ledger_rolled_posting_account_seq",
        ("INSERT INTO ledger_rolled_posting (entry_id, line, account_id, account_seq, effective_date, balance_after_minor, rolled_at)"
        " SELECT uuidv7(), line, account_id, account_seq, effective_date, 0, now() FROM ledger_rolled_posting"),
    ),
    # Holds.
    ("ledger_hold_amount_positive", HOLD.format("debit", 0)),
    ("ledger_hold_is_of_a_number_on_a_side", HOLD.format("none", 1)),
    ("ledger_hold_is_of_a_number_on_a_side", HOLD.format("debit", "'NaN'")),
    ("ledger_hold_gives_no_more_than_it_holds", f"UPDATE ledger_hold SET captured_minor = 101 WHERE transaction_id = {OPEN_HOLD}"),
    ("ledger_closed_hold_holds_nothing", f"UPDATE ledger_hold SET closed_at = now() WHERE transaction_id = {OPEN_HOLD}"),
    ("ledger_hold_only_gives", f"UPDATE ledger_hold SET amount_minor = 200 WHERE transaction_id = {OPEN_HOLD}"),
    ("ledger_hold_only_gives", f"UPDATE ledger_hold SET expires_at = expires_at + interval '1 day' WHERE transaction_id = {OPEN_HOLD}"),
    ("ledger_hold_only_gives", f"UPDATE ledger_hold SET closed_at = NULL WHERE transaction_id = {ENDED_HOLD}"),
    ("ledger_hold_never_deleted", "DELETE FROM ledger_hold"),
    ("ledger_hold_ends_once", EVENT.format(ENDED_HOLD, "expired", "true")),
    ("ledger_hold_is_placed_once", EVENT.format(OPEN_HOLD, "placed", "false")),
    ("ledger_hold_act_is_known", EVENT.format(OPEN_HOLD, "lost", "false")),
    ("ledger_hold_event_append_only", "UPDATE ledger_hold_event SET amount_minor = 7"),
    ("ledger_hold_event_append_only", "DELETE FROM ledger_hold_event"),
    # Reversals.
    ("ledger_reversal_stays_under_its_cap", "UPDATE ledger_reversed_leg SET reversed_minor = amount_minor + 1"),
    # Transactions and what sources reported.
    ("ledger_transaction_moves_along_arrows", f"UPDATE ledger_transaction SET status = 'cancelled' WHERE {ONCE}"),
    ("ledger_transaction_moves_along_arrows", f"UPDATE ledger_transaction SET settlement = 'expected' WHERE {ONCE}"),
    ("ledger_transaction_keeps_what_was_asked", f"UPDATE ledger_transaction SET content = '{{}}' WHERE {ONCE}"),
    ("ledger_transaction_keeps_what_was_asked", f"UPDATE ledger_transaction SET key = 'twice' WHERE {ONCE}"),
    ("ledger_transaction_keeps_what_was_asked", f"UPDATE ledger_transaction SET actor_id = 7 WHERE {ONCE}"),
    ("ledger_transaction_keeps_its_answer", f"UPDATE ledger_transaction SET refusal_detail = '{{}}' WHERE {ONCE}"),
    ("ledger_transaction_keeps_its_answer", f"UPDATE ledger_transaction SET entry_id = NULL WHERE {ONCE}"),
    ("ledger_transaction_never_deleted", f"DELETE FROM ledger_transaction WHERE {ONCE}"),
    (
        "ledger_transaction_has_its_entrys_id",
        ("INSERT INTO ledger_transaction (id, scope, key, content, status, settlement, entry_id, lines, request_id, created_at)"
        f" SELECT uuidv7(), 'another', key, '{{}}', 'posted', 'settled', id, 2, '', now() FROM ledger_transaction WHERE {ONCE}"),
    ),
    ("ledger_transaction_event_append_only", "UPDATE ledger_transaction_event SET to_status = 'settled'"),
    ("ledger_transaction_event_append_only", "UPDATE ledger_transaction_event SET deliveries = deliveries + 2"),
    ("ledger_transaction_event_append_only", "DELETE FROM ledger_transaction_event"),
    (
        "ledger_source_event_is_recorded_once",
        ("INSERT INTO ledger_transaction_event SELECT uuidv7(), axis, from_status, to_status, outcome, source, source_event_id, source_at,"
        " note, deliveries, actor_id, recorded_at, transaction_id FROM ledger_transaction_event"),
    ),
    # The chart.
    ("ledger_account_never_deleted", "DELETE FROM ledger_account"),
    ("ledger_type_never_deleted", "DELETE FROM ledger_transaction_type"),
    ("ledger_period_never_deleted", "DELETE FROM ledger_period"),
    ("ledger_reserve_account_has_its_class", "UPDATE ledger_account SET reserve_class = 'cash' WHERE code = '1010'"),
    ("ledger_account_purpose_has_one_account", "UPDATE ledger_account SET purpose = 'rounding' WHERE code IN ('4010', '6420')"),
    ("ledger_account_purpose_is_known", "UPDATE ledger_account SET purpose = 'pleasure' WHERE code = '4010'"),
    ("ledger_account_status_is_known", "UPDATE ledger_account SET status = 'lost' WHERE code = '4010'"),
    (
        "ledger_transaction_type_has_one_current_version",
        ("INSERT INTO ledger_transaction_type (code, version, name, origin, legs, roles, required_roles, parameters, external, reversible,"
        " mirrors, settles, multi_capture, in_soft_lock, current) SELECT code, 2, name, origin, legs, roles, required_roles, parameters,"
        " external, reversible, mirrors, settles, multi_capture, in_soft_lock, true FROM ledger_transaction_type WHERE code = 'fee'"),
    ),
]  # fmt: skip

AROUND_REFUSED = [
    ("ledger_close_append_only", "UPDATE ledger_close SET digest = ''"),
    ("ledger_close_append_only", "DELETE FROM ledger_close"),
    ("ledger_close_balance_append_only", "UPDATE ledger_close_balance SET debits_minor = 1"),
    ("ledger_close_balance_append_only", "DELETE FROM ledger_close_balance"),
    ("ledger_rate_append_only", "UPDATE ledger_rate SET value = 151"),
    ("ledger_rate_append_only", "DELETE FROM ledger_rate"),
    (
        "ledger_rate_is_said_once",
        ("INSERT INTO ledger_rate (base_id, quote_id, kind, source, at, value, recorded_at)"
        " SELECT base_id, quote_id, kind, source, at, 151, now() FROM ledger_rate"),
    ),
    ("runtime_switch_is_lifted_by_two", "UPDATE runtime_switch SET lifted_at = now()"),
    ("runtime_switch_is_lifted_by_two", "UPDATE runtime_switch SET scope = 'entity:M8'"),
    ("runtime_switch_never_deleted", "DELETE FROM runtime_switch"),
    (
        "runtime_switch_is_set_once",
        ("INSERT INTO runtime_switch (id, function, scope, reason, passes_approved, set_at)"
        " SELECT uuidv7(), function, scope, 'again', false, now() FROM runtime_switch"),
    ),
    ("ledger_external_account_is_approved", "UPDATE ledger_external_account SET status = 'allowed'"),
    ("ledger_external_account_keeps_its_identity", "UPDATE ledger_external_account SET identifier = 'DE01'"),
    (
        "ledger_external_account_is_listed_once",
        ("INSERT INTO ledger_external_account (id, party_id, kind, asset_id, identifier, servicer, label, status, created_at)"
        " SELECT uuidv7(), party_id, kind, asset_id, identifier, '', '', 'proposed', now() FROM ledger_external_account"),
    ),
    ("ledger_recurring_entry_keeps_its_terms", "UPDATE ledger_recurring_entry SET entry = '{\"lines\": []}'"),
    ("ledger_recurring_entry_keeps_its_terms", "UPDATE ledger_recurring_entry SET proposal_id = uuidv7()"),
]  # fmt: skip


def _named(cases: list[tuple[str, str]]) -> list[Any]:
    """Return the cases with ids of guard and place, as the campaign names them."""
    seen: dict[str, int] = {}
    named = []
    for guard, statement in cases:
        seen[guard] = seen.get(guard, 0) + 1
        named.append(pytest.param(guard, statement, id=guard if seen[guard] == 1 else f"{guard}-{seen[guard]}"))
    return named


@pytest.mark.parametrize(("guard", "statement"), _named(OWNER_REFUSED))
def test_owner_writes_around_it(owner: Session, books: dict[str, Account], guard: str, statement: str) -> None:
    with refused_by(guard):
        owner.execute(statement.encode())


@pytest.mark.parametrize(("guard", "statement"), _named(AROUND_REFUSED))
def test_owner_writes_around_what_stands_beside_the_books_it(owner: Session, around: None, guard: str, statement: str) -> None:
    with refused_by(guard):
        owner.execute(statement.encode())


def test_posting_on_another_day_than_its_entry_it(owner: Session, chart: dict[str, Account]) -> None:
    entry = write_entry(owner)
    with refused_by("ledger_posting_agrees_with_entry"):
        write_postings(owner, entry, (1, "1010", "debit", 1), (2, "2010", "credit", 1), day="2026-11-03")


@pytest.mark.parametrize("takes_none", ["status = 'closed'", "is_control = true"])
def test_posting_on_an_account_that_takes_none_it(owner: Session, chart: dict[str, Account], takes_none: str) -> None:
    owner.execute(f"UPDATE ledger_account SET {takes_none} WHERE code = '2010'".encode())
    entry = write_entry(owner)
    with refused_by("ledger_posting_account_is_open"):
        write_postings(owner, entry, (1, "1010", "debit", 1), (2, "2010", "credit", 1))


def test_posting_on_a_side_that_is_none_it(owner: Session, chart: dict[str, Account]) -> None:
    entry = write_entry(owner)
    with refused_by("ledger_posting_line_is_declared"):
        write_postings(owner, entry, (1, "1010", "debit", 1), (2, "2010", "none", 1))


def test_entry_of_no_transaction_it(owner: Session, chart: dict[str, Account]) -> None:
    with refused_by("ledger_entry_belongs_to_a_transaction"):
        write_entry(owner, with_transaction=False)


def test_entry_of_a_refused_transaction_it(owner: Session, chart: dict[str, Account]) -> None:
    entry = uuid4()
    owner.execute(
        "INSERT INTO ledger_transaction"
        " (id, scope, key, content, status, settlement, entry_id, lines, refusal_code, request_id, created_at)"
        " VALUES (%s, 'around', 'refused', '{}', 'failed', 'not_applicable', %s, 2, 'limit_exceeded', '', now())",
        [entry, entry],
    )
    with refused_by("ledger_entry_belongs_to_a_transaction"):
        write_entry(owner, entry_id=entry, with_transaction=False)


def test_entry_of_another_origin_than_its_type_it(owner: Session, maker: User) -> None:
    proposal, _ = write_proposal(owner, maker=maker)
    with refused_by("ledger_entry_has_the_origin_of_its_type"):
        write_entry(owner, origin="manual", proposal=proposal)


def test_entry_on_a_proposal_that_does_not_exist_it(runtime: Session, chart: dict[str, Account]) -> None:
    with refused_by("ledger_entry_proposal_exists"):
        post_manually(runtime, proposal=uuid4())


def test_transaction_posted_without_its_entry_it(owner: Session, chart: dict[str, Account]) -> None:
    write_transaction(owner, uuid4(), lines=2)
    with refused_by("ledger_transaction_entry_exists"):
        owner.execute("SET CONSTRAINTS ledger_transaction_entry_exists IMMEDIATE")


def test_transaction_of_lines_without_an_entry_it(owner: Session, chart: dict[str, Account]) -> None:
    transaction = uuid4()
    write_transaction(owner, transaction, lines=None)
    with refused_by("ledger_transaction_entry_exists"):
        owner.execute("UPDATE ledger_transaction SET lines = 2 WHERE id = %s", [transaction])
        owner.execute("SET CONSTRAINTS ledger_transaction_entry_exists IMMEDIATE")


# What the runtime role asks of the doors


def drafted(*legs: str, **values: Any) -> dict[str, Any]:
    """Return a draft of legs such as `1900 debit 100`, in dollars."""
    lines = []
    for leg in legs:
        account, direction, amount = leg.split()
        lines.append({"account": account, "direction": direction, "amount": amount, "asset": "USD"})
    return {"type": "deposit", "lines": lines, **values}


def test_suspense_paid_out_on_a_side_that_is_none_it(runtime: Session, chart: dict[str, Account]) -> None:
    # The posting function reads whatever is no debit as a credit: the class of the account must be asked all the same.
    draft = drafted("1010 debit 200", "2010 credit 100", "1900 given 100")
    assert post_draft(runtime, draft) == "account_class_not_allowed"
    assert set(post_drafts(runtime, [draft] * 20)) == {"account_class_not_allowed"}


@pytest.mark.parametrize(
    ("draft", "answer"),
    [
        (drafted("1900 debit 100", "2010 credit 100"), "account_class_not_allowed"),
        (drafted("1010 debit 100", "1020 credit 100"), "account_class_not_allowed"),
        (drafted("1010 debit 100", "2010 credit 100", proposal_id=str(NEVER)), "approval_not_applicable"),
        (drafted("1010 debit 100", "2010 credit 100", type="adjustment"), "approval_required"),
        (drafted("1010 debit 100", "2010 credit 100", type="opening"), "approval_required"),
        (drafted("2010 debit 100", "1010 credit 100", type="reversal", reverses=str(NEVER)), "approval_required"),
        (drafted("2010 debit 100", "1010 credit 100", type="return", reverses=str(NEVER)), "unknown_entry"),
        (drafted("2010 debit 100", "1010 credit 100", type="return"), "reversed_entry_required"),
        (drafted("1010 debit 100", "2010 credit 100", reverses=str(NEVER)), "type_reverses_nothing"),
        (drafted("2010 debit 100", "1010 credit 100", type="withdrawal", hold=str(NEVER)), "unknown_hold"),
        (drafted("1010 debit 100", "2010 credit 100", entity="M9"), "no_accounting_period"),
    ],
)
def test_draft_that_claims_what_is_not_so_it(runtime: Session, chart: dict[str, Account], draft: dict[str, Any], answer: str) -> None:
    assert post_draft(runtime, draft) == answer


def test_return_of_what_is_not_returned_it(runtime: Session, books: dict[str, Account]) -> None:
    row = runtime.execute("SELECT id FROM ledger_entry WHERE reverses_id IS NOT NULL").fetchone()
    assert row is not None
    draft = drafted("1010 debit 100", "2010 credit 100", type="return", reverses=str(row[0]))
    assert post_draft(runtime, draft) == "entry_not_reversible"


def test_capture_of_a_hold_whose_time_is_over_it(runtime: Session, books: dict[str, Account]) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=0.3)
    held = hold(expires_at=soon)
    runtime.execute("SELECT pg_sleep(0.4)")
    draft = drafted("2010 debit 100", "1010 credit 100", type="withdrawal", hold=str(held))
    assert post_draft(runtime, draft) == "hold_has_expired"


@pytest.mark.parametrize("among", [0, 20], ids=["alone", "in a large batch"])
def test_amounts_that_are_no_whole_numbers_are_read_as_one_number_everywhere(
    runtime: Session, chart: dict[str, Account], among: int
) -> None:
    others = [drafted("1020 debit 1", "2020 credit 1") for _ in range(among)]
    answers = post_drafts(runtime, [drafted("1010 debit 1.4", "1010 debit 1.4", "2010 credit 2.0"), *others])
    assert set(answers) == {"posted"}
    found = runtime.execute(
        "SELECT sum(p.amount_minor), b.posted_debits_minor FROM ledger_posting p JOIN ledger_balance b USING (account_id)"
        " JOIN ledger_account a ON a.id = b.account_id WHERE a.code = '1010' GROUP BY b.account_id"
    ).fetchone()
    assert found == (2, 2)


@pytest.mark.parametrize("amount", ["NaN", "-5", "0"])
def test_amount_that_is_none_it(runtime: Session, chart: dict[str, Account], amount: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        post_draft(runtime, drafted(f"1010 debit {amount}", f"2010 credit {amount}"))


@pytest.mark.parametrize(("direction", "amount"), [("debit", "NaN"), ("debit", "-5"), ("none", "5")])
def test_hold_of_no_amount_or_on_no_side_it(runtime: Session, chart: dict[str, Account], direction: str, amount: str) -> None:
    request = {
        "act": "place", "key": "k", "type": "hold", "entity": ENTITY, "account": "2010", "direction": direction, "amount": amount,
        "asset": "USD", "expires_at": LATER.isoformat(),
    }  # fmt: skip
    try:
        row = runtime.execute("SELECT code FROM ledger_change_hold_v1('guards', %s::jsonb)", [Json(request)]).fetchone()
    except psycopg.errors.CheckViolation:
        return
    assert row == ("account_class_not_allowed",)


def test_negative_release_it(runtime: Session, books: dict[str, Account]) -> None:
    held = Hold.objects.get(closed_at__isnull=True)
    request = {"act": "release", "key": "k", "hold": str(held.pk), "amount": "-5"}
    with refused_by("ledger_hold_only_gives"):
        runtime.execute("SELECT code FROM ledger_change_hold_v1('guards', %s::jsonb)", [Json(request)])


def test_initiated_transaction_posted_as_another_it(runtime: Session, chart: dict[str, Account]) -> None:
    assert post_draft(runtime, drafted("1010 debit 100", "2010 credit 100", key="later", initiate=True)) == "initiated"
    row = runtime.execute("SELECT id FROM ledger_transaction WHERE key = 'later'").fetchone()
    assert row is not None
    with refused_by("ledger_transaction_posts_what_was_asked"):
        post_draft(runtime, drafted("1010 debit 900", "2010 credit 900", posts=str(row[0])))


def test_hold_posted_as_if_it_were_initiated_it(runtime: Session, books: dict[str, Account]) -> None:
    held = Hold.objects.get(closed_at__isnull=True)
    with refused_by("ledger_transaction_posts_what_was_asked"):
        post_draft(runtime, drafted("1010 debit 900", "2010 credit 900", posts=str(held.pk)))


def test_transaction_that_nobody_initiated_is_posted_it(runtime: Session, chart: dict[str, Account]) -> None:
    with refused_by("ledger_transaction_posts_what_was_asked"):
        post_draft(runtime, drafted("1010 debit 900", "2010 credit 900", posts=str(NEVER)))


@pytest.mark.parametrize(
    "call",
    [
        "ledger_take_from_hold_v1(NULL, uuidv7(), NULL, NULL, NULL, true, 1)",
        "ledger_give_back_v1(NULL, 1, 'released', 1)",
        "ledger_count_reversal_v1(uuidv7(), NULL, NULL, NULL)",
        "ledger_stand_under_v1(1, 2)",
        "ledger_was_approved_v1(uuidv7(), '', '', '{}')",
        "ledger_limit_refusal_v1(true, NULL, false, NULL, NULL, NULL)",
        "ledger_answer_again_v1('', '', '{}', '{}')",
    ],
)
def test_runtime_role_calls_what_only_the_doors_call_it(runtime: Session, chart: dict[str, Account], call: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        runtime.execute(f"SELECT {call}".encode())


def test_roller_finds_nothing_on_a_strict_account(runtime: Session, books: dict[str, Account]) -> None:
    before = runtime.execute("SELECT * FROM ledger_balance ORDER BY account_id").fetchall()
    assert runtime.execute("SELECT ledger_roll_account_v1(%s, 10)", [books["2010"].pk]).fetchone() == (0,)
    assert runtime.execute("SELECT * FROM ledger_balance ORDER BY account_id").fetchall() == before


# Four eyes on accounts, types, periods, switches and figures

CHANGE = "SELECT ledger_change_account_v1(%s, %s::jsonb, %s)"
LIMIT = {"overdraft_limit": "500000"}


def executed(session: Session, kind: str, target: str, payload: dict[str, Any], *, maker: User, checker: User) -> UUID:
    return write_executed(session, maker=maker, checker=checker, kind=kind, target=target, payload=payload)


def test_approved_change_of_an_account_is_made_once(runtime: Session, books: dict[str, Account], maker: User, checker: User) -> None:
    proposal = executed(runtime, "ledger.change_account", "2010", {"changes": LIMIT}, maker=maker, checker=checker)
    runtime.execute(CHANGE, ["2010", Json(LIMIT), proposal])
    runtime.commit()
    # Somebody has set it back since: what was approved then allows nothing now.
    with refused_by("ledger_account_change_is_approved"):
        runtime.execute(CHANGE, ["2010", Json(LIMIT), proposal])


@pytest.mark.parametrize(
    ("target", "approved"),
    [
        ("2020", LIMIT),
        ("2010", {"overdraft_limit": "1"}),
        ("2010", {**LIMIT, "debits_frozen": False}),
    ],
    ids=["about another account", "to another limit", "together with something else"],
)
def test_change_of_an_account_that_was_not_what_was_approved_it(
    runtime: Session, books: dict[str, Account], maker: User, checker: User, target: str, approved: dict[str, Any]
) -> None:
    proposal = executed(runtime, "ledger.change_account", target, {"changes": approved}, maker=maker, checker=checker)
    with refused_by("ledger_account_change_is_approved"):
        runtime.execute(CHANGE, ["2010", Json(LIMIT), proposal])


@pytest.mark.parametrize(
    "changes",
    [LIMIT, {"velocity": []}, {"status": "closed"}, {"parent": "2020"}, {"debits_frozen": True, "overdraft_limit": "9"}],
)
def test_change_of_an_account_in_use_without_a_proposal_it(runtime: Session, books: dict[str, Account], changes: dict[str, Any]) -> None:
    with refused_by("ledger_account_change_is_approved"):
        runtime.execute(CHANGE, ["2010", Json(changes), None])


def test_freeze_is_quick_and_lifting_it_is_not_it(runtime: Session, chart: dict[str, Account]) -> None:
    runtime.execute(CHANGE, ["2010", Json({"debits_frozen": True}), None])
    with refused_by("ledger_account_change_is_approved"):
        runtime.execute(CHANGE, ["2010", Json({"debits_frozen": False}), None])


def test_change_of_an_account_that_does_not_exist_it(runtime: Session, chart: dict[str, Account]) -> None:
    with refused_by("ledger_changed_account_exists"):
        runtime.execute(CHANGE, ["9999", Json(LIMIT), None])


def test_account_that_still_holds_something_is_closed_it(runtime: Session, books: dict[str, Account], maker: User, checker: User) -> None:
    closing = {"status": "closed"}
    proposal = executed(runtime, "ledger.change_account", "2010", {"changes": closing}, maker=maker, checker=checker)
    with refused_by("ledger_closed_account_is_empty"):
        runtime.execute(CHANGE, ["2010", Json(closing), proposal])


@pytest.mark.parametrize(
    ("child", "control", "guard"),
    [
        ("2020", "2010", "ledger_control_account_has_no_postings"),
        ("2020", "2030", "ledger_account_is_of_its_controls_kind"),
        ("2020", "4010", "ledger_account_is_of_its_controls_kind"),
        ("2020", "2020", "ledger_account_tree_has_no_circle"),
    ],
)
def test_account_stands_where_it_cannot_it(
    runtime: Session, chart: dict[str, Account], post: Post, child: str, control: str, guard: str
) -> None:
    post("1010 debit 1.00 USD / 2010 credit 1.00 USD")
    with refused_by(guard):
        runtime.execute(CHANGE, [child, Json({"parent": control}), None])


def test_accounts_stand_under_each_other_in_a_circle_it(runtime: Session, chart: dict[str, Account]) -> None:
    runtime.execute(CHANGE, ["2010", Json({"parent": "2020"}), None])
    with refused_by("ledger_account_tree_has_no_circle"):
        runtime.execute(CHANGE, ["2020", Json({"parent": "2010"}), None])


def terms_of(code: str, **changed: Any) -> dict[str, Any]:
    known = TransactionType.objects.get(code=code, current=True)
    fields = (
        "code", "name", "origin", "legs", "roles", "required_roles", "parameters", "external", "reversible", "mirrors", "settles",
        "multi_capture", "in_soft_lock", "backdating_days",
    )  # fmt: skip
    return {**{field: getattr(known, field) for field in fields}, **changed}


DEFINE = "SELECT ledger_define_type_v1(%s::jsonb, %s)"


def test_type_that_takes_from_suspense_without_a_proposal_it(runtime: Session, books: dict[str, Account]) -> None:
    generous = terms_of("deposit", roles={"debit": {"suspense": "bank"}, "credit": {"customer": "customer"}})
    with refused_by("ledger_type_change_is_approved"):
        runtime.execute(DEFINE, [Json(generous), None])


def test_type_of_fewer_required_roles_than_approved_it(runtime: Session, books: dict[str, Account], maker: User, checker: User) -> None:
    # The rest of a list is contained in the list: exactly what was approved is asked for, not something within it.
    proposal = executed(runtime, "ledger.define_type", "deposit", {"changes": terms_of("deposit")}, maker=maker, checker=checker)
    with refused_by("ledger_type_change_is_approved"):
        runtime.execute(DEFINE, [Json(terms_of("deposit", required_roles=[])), proposal])


def test_approved_type_is_defined_once(runtime: Session, books: dict[str, Account], maker: User, checker: User) -> None:
    proposal = executed(runtime, "ledger.define_type", "deposit", {"changes": terms_of("deposit")}, maker=maker, checker=checker)
    runtime.execute(DEFINE, [Json(terms_of("deposit")), proposal])
    runtime.commit()
    with refused_by("ledger_type_change_is_approved"):
        runtime.execute(DEFINE, [Json(terms_of("deposit")), proposal])


def test_figures_rebuilt_without_a_proposal_it(runtime: Session, books: dict[str, Account], maker: User, checker: User) -> None:
    proposal = executed(runtime, "ledger.rebuild_derived", "1010", {}, maker=maker, checker=checker)
    with refused_by("ledger_rebuild_is_approved"):
        runtime.execute("SELECT ledger_rebuild_derived_v1('2010', %s)", [proposal])


def test_figures_rebuilt_are_those_of_the_postings(
    owner: Session, runtime: Session, books: dict[str, Account], maker: User, checker: User
) -> None:
    row = f"WHERE account_id = ({ROW_OF} = '2010')"
    figures = f"SELECT posted_debits_minor, posted_credits_minor, pending_debits_minor, version FROM ledger_balance {row}".encode()
    right = runtime.execute(figures).fetchone()
    runtime.commit()
    owner.execute(f"UPDATE ledger_balance SET posted_credits_minor = 7, pending_debits_minor = 9, version = 99 {row}".encode())
    owner.commit()
    proposal = executed(runtime, "ledger.rebuild_derived", "2010", {}, maker=maker, checker=checker)
    runtime.execute("SELECT ledger_rebuild_derived_v1('2010', %s)", [proposal])
    assert runtime.execute(figures).fetchone() == right


REOPEN = "UPDATE ledger_period SET status = 'open', reopen_ends_at = now() + interval '1 hour', reopen_proposal_id = %s"


@pytest.fixture
def closed(chart: dict[str, Account]) -> AccountingPeriod:
    period = AccountingPeriod.objects.get()
    AccountingPeriod.objects.update(status="closed")
    return period


def test_period_reopened_by_a_proposal_about_another_it(runtime: Session, closed: AccountingPeriod, maker: User, checker: User) -> None:
    proposal = executed(runtime, "ledger.reopen_period", "1", {"period": str(closed.pk + 1)}, maker=maker, checker=checker)
    with refused_by("ledger_period_stays_closed"):
        runtime.execute(REOPEN, [proposal])


def test_period_reopened_by_a_proposal_nobody_executed_it(runtime: Session, closed: AccountingPeriod, maker: User) -> None:
    proposal, _ = write_proposal(runtime, maker=maker, kind="ledger.reopen_period", payload={"period": str(closed.pk)})
    with refused_by("ledger_period_stays_closed"):
        runtime.execute(REOPEN, [proposal])


def test_period_reopened_again_by_the_same_proposal_it(runtime: Session, closed: AccountingPeriod, maker: User, checker: User) -> None:
    proposal = executed(runtime, "ledger.reopen_period", "1", {"period": str(closed.pk)}, maker=maker, checker=checker)
    runtime.execute(REOPEN, [proposal])
    runtime.commit()
    runtime.execute("UPDATE ledger_period SET status = 'closed', reopen_ends_at = NULL, reopen_proposal_id = NULL")
    with refused_by("ledger_period_stays_closed"):
        runtime.execute(REOPEN, [proposal])


@pytest.mark.parametrize("longer", ["reopen_ends_at + interval '1 day'", "NULL"])
def test_reopened_period_stays_open_longer_it(runtime: Session, closed: AccountingPeriod, maker: User, checker: User, longer: str) -> None:
    proposal = executed(runtime, "ledger.reopen_period", "1", {"period": str(closed.pk)}, maker=maker, checker=checker)
    runtime.execute(REOPEN, [proposal])
    runtime.commit()
    with refused_by("ledger_period_stays_closed"):
        runtime.execute(f"UPDATE ledger_period SET reopen_ends_at = {longer}".encode())


def test_revoked_account_outside_allowed_again_it(runtime: Session, around: None, maker: User, checker: User) -> None:
    external = ExternalAccount.objects.get()
    proposal = executed(runtime, "ledger.allow_external_account", str(external.pk), {}, maker=maker, checker=checker)
    runtime.execute("UPDATE ledger_external_account SET status = 'allowed', proposal_id = %s", [proposal])
    runtime.commit()
    runtime.execute("UPDATE ledger_external_account SET label = 'Main'")
    runtime.execute("UPDATE ledger_external_account SET status = 'revoked'")
    with refused_by("ledger_external_account_is_approved"):
        runtime.execute("UPDATE ledger_external_account SET status = 'allowed'")


def test_switch_lifted_by_a_proposal_about_another_it(runtime: Session, around: None, maker: User, checker: User) -> None:
    proposal = executed(runtime, "approvals.lift_switch", str(NEVER), {}, maker=maker, checker=checker)
    with refused_by("runtime_switch_is_lifted_by_two"):
        runtime.execute("UPDATE runtime_switch SET lifted_at = now(), lift_proposal_id = %s", [proposal])


def test_switch_is_lifted_by_two(runtime: Session, around: None, maker: User, checker: User) -> None:
    switch = Switch.objects.get()
    proposal = executed(runtime, "approvals.lift_switch", str(switch.pk), {}, maker=maker, checker=checker)
    runtime.execute("UPDATE runtime_switch SET lifted_at = now(), lift_proposal_id = %s", [proposal])
    with refused_by("runtime_switch_is_lifted_by_two"):
        runtime.execute("UPDATE runtime_switch SET lifted_at = NULL")


# An execution is worth what its approvals are


@pytest.mark.parametrize("outcomes", [[], ["reject"], ["request_changes"]])
def test_execution_of_what_nobody_approved_it(runtime: Session, maker: User, checker: User, outcomes: list[str]) -> None:
    proposal, version = write_proposal(runtime, maker=maker)
    for outcome in outcomes:
        write_decision(runtime, proposal=proposal, version=version, maker=maker, approver=checker, outcome=outcome)
    write_execution(runtime, proposal=proposal, version=version)
    with refused_by("approvals_execution_is_approved"):
        runtime.execute("SET CONSTRAINTS approvals_execution_is_approved IMMEDIATE")


def test_execution_of_a_version_that_does_not_stand_any_more_it(runtime: Session, maker: User, checker: User) -> None:
    proposal, version = write_proposal(runtime, maker=maker)
    write_decision(runtime, proposal=proposal, version=version, maker=maker, approver=checker)
    runtime.execute("UPDATE approvals_proposal SET current_version = 2 WHERE id = %s", [proposal])
    write_execution(runtime, proposal=proposal, version=version)
    with refused_by("approvals_execution_is_approved"):
        runtime.execute("SET CONSTRAINTS approvals_execution_is_approved IMMEDIATE")


def test_approved_entry_is_posted_again_as_a_part_it(runtime: Session, maker: User, checker: User) -> None:
    proposal, version = write_proposal(runtime, maker=maker)
    write_decision(runtime, proposal=proposal, version=version, maker=maker, approver=checker)
    write_execution(runtime, proposal=proposal, version=version)
    assert post_manually(runtime, proposal=proposal) == "posted"
    assert post_draft(runtime, {"proposal_id": str(proposal), "proposal_part": 1, "lines": LINES}) == "posted"
    with refused_by("ledger_manual_entry_is_what_was_approved"):
        runtime.execute("SET CONSTRAINTS ledger_manual_entry_is_approved IMMEDIATE")
