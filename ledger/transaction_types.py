"""The transaction types that every installation starts from. Changing one here registers its next version, by proposal once books exist."""

from ledger.accounting import CREDIT, DEBIT
from ledger.models import OwnerClass as C
from ledger.registry import Leg, TypeTerms

# The bank side of the books: accounts that somebody else keeps a statement of.
OUTSIDE = (C.NOSTRO, C.SAFEGUARDING, C.WALLET, C.RESERVE)
OWN = (*OUTSIDE, C.SETTLEMENT)
HOLDERS = (C.CUSTOMER, C.PLATFORM)
EVERY = tuple(C)


def _two(debit: tuple[str, ...], debit_account: str, credit: tuple[str, ...], credit_account: str) -> list[Leg]:
    return [
        Leg(role=debit_account, direction=DEBIT, classes=debit, account=debit_account),
        Leg(role=credit_account, direction=CREDIT, classes=credit, account=credit_account),
    ]


_ANY = [
    Leg(role="debited", direction=DEBIT, classes=EVERY, account="debited"),
    Leg(role="credited", direction=CREDIT, classes=EVERY, account="credited"),
]
_FEE = [
    Leg(role="customer", direction=DEBIT, classes=(C.CUSTOMER,), account="customer", amount="fee_amount", optional=True),
    Leg(role="fee", direction=CREDIT, classes=(C.FEE,), account="fee", amount="fee_amount", optional=True),
]

TRANSACTION_TYPES = (
    TypeTerms(code="deposit", name="Deposit", legs=[*_two(OUTSIDE, "bank", (C.CUSTOMER,), "customer"), *_FEE], settles=True, external=True),
    TypeTerms(code="withdrawal", name="Withdrawal", legs=[*_two((C.CUSTOMER,), "customer", OUTSIDE, "bank"), *_FEE], settles=True),
    TypeTerms(
        code="transfer",
        name="Transfer between customers",
        legs=[
            Leg(role="payer", direction=DEBIT, classes=HOLDERS, account="payer"),
            Leg(role="payee", direction=CREDIT, classes=HOLDERS, account="payee"),
        ],
    ),
    TypeTerms(
        code="internal_transfer",
        name="Transfer between legal entities",
        legs=[
            Leg(role="from", direction=CREDIT, classes=OUTSIDE, account="from_account"),
            Leg(role="due_from", direction=DEBIT, classes=(C.SETTLEMENT,), account="due_from"),
            Leg(role="to", direction=DEBIT, classes=OUTSIDE, account="to_account"),
            Leg(role="due_to", direction=CREDIT, classes=(C.SETTLEMENT,), account="due_to"),
        ],
    ),
    TypeTerms(
        code="conversion",
        name="Conversion",
        legs=[
            Leg(role="sold", direction=DEBIT, classes=HOLDERS, account="sold_account", amount="sold_amount"),
            Leg(role="position_in", direction=CREDIT, classes=(C.FX_POSITION,), account="sold_position", amount="sold_position_amount"),
            Leg(role="spread", direction=CREDIT, classes=(C.FEE,), account="spread_account", amount="spread_amount", optional=True),
            Leg(role="position_out", direction=DEBIT, classes=(C.FX_POSITION,), account="bought_position", amount="bought_position_amount"),
            Leg(role="bought", direction=CREDIT, classes=HOLDERS, account="bought_account", amount="bought_amount"),
            Leg(role="spread", direction=CREDIT, classes=(C.FEE,), account="rounding_account", amount="rounding_gain", optional=True),
            Leg(role="rounding", direction=DEBIT, classes=(C.FEE,), account="rounding_account", amount="rounding_loss", optional=True),
        ],
        evidence=("quote_id", "rate", "quoted_at"),
    ),
    TypeTerms(code="settlement", name="Settlement between own accounts", legs=_two(OWN, "received_by", OWN, "paid_by"), settles=True),
    TypeTerms(code="payment", name="Card payment", legs=_two(HOLDERS, "customer", (C.SETTLEMENT,), "scheme"), settles=True),
    TypeTerms(code="fee", name="Fee", legs=_two((C.CUSTOMER,), "customer", (C.FEE,), "fee")),
    TypeTerms(code="bank_charge", name="Bank charge", legs=_two((C.FEE,), "charges", OUTSIDE, "bank"), external=True),
    TypeTerms(code="interest", name="Interest received", legs=_two(OUTSIDE, "bank", (C.FEE,), "interest"), external=True),
    TypeTerms(code="capital", name="Capital paid in", legs=_two(OUTSIDE, "bank", (C.EQUITY,), "capital"), external=True),
    TypeTerms(code="mint", name="Mint", legs=_two((C.WALLET,), "wallet", (C.PLATFORM,), "outstanding"), settles=True),
    TypeTerms(code="burn", name="Burn", legs=_two((C.PLATFORM,), "outstanding", (C.WALLET,), "wallet"), settles=True),
    TypeTerms(
        code="operational_event",
        name="Operational event",
        legs=_two((C.FEE,), "loss", (*OWN, *HOLDERS), "made_good"),
        evidence=("incident",),
        external=True,
    ),
    # Holds post nothing by themselves: their roles say what may be held.
    TypeTerms(
        code="hold",
        name="Hold",
        legs=[
            Leg(role="held", direction=DEBIT, classes=HOLDERS, account="account"),
            Leg(role="awaited", direction=CREDIT, classes=HOLDERS, account="account", optional=True),
        ],
    ),
    TypeTerms(
        code="authorisation",
        name="Card authorisation",
        legs=[Leg(role="held", direction=DEBIT, classes=HOLDERS, account="account")],
        multi_capture=True,
    ),
    # What the outside world took back: it has happened, so nothing here can refuse it.
    TypeTerms(code="return", name="Return", legs=_ANY, mirrors=True, external=True, reversible=False),
    # By approval only.
    TypeTerms(code="reversal", name="Reversal", legs=_ANY, origin="manual", mirrors=True, reversible=False, in_soft_lock=True),
    TypeTerms(code="adjustment", name="Adjustment", legs=_ANY, origin="manual", in_soft_lock=True),
    TypeTerms(code="journal", name="Manual journal", legs=_ANY, origin="manual", in_soft_lock=True),
    TypeTerms(code="opening", name="Opening balances", legs=_ANY, origin="manual"),
    TypeTerms(code="remeasurement", name="Period-end remeasurement", legs=_ANY, origin="manual", in_soft_lock=True),
    TypeTerms(code="year_end", name="Year-end close", legs=_ANY, origin="manual", in_soft_lock=True, reversible=False),
    TypeTerms(code="recurring", name="Recurring entry", legs=_ANY, origin="automatic", in_soft_lock=True),
)
