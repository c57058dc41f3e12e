"""Everything the integrity checker claims, one row each: what is derivable is derived again and compared.

A pass is one statement that answers several checks at once: reading ten million postings costs more than comparing them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.models import Severity
from ledger.operations import integrity_entries, integrity_statements

FREEZE, ALARM = Severity.FREEZE, Severity.ALARM


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One claim about the books. `sentence` names the object with what it should be and is; `objects` is what it looks at.

    `each_minute` says that new postings are held against it within a minute; the others wait for a full examination.
    """

    name: str
    says: str
    severity: Severity
    objects: str
    sentence: str
    each_minute: bool = False


CHECKS = (
    Check(
        name="balance_is_its_postings",
        says="A balance is the sum of its account's postings",
        severity=FREEZE,
        objects="accounts",
        sentence="The balance of {name} says debits {found[debits]} and credits {found[credits]}; its postings come to"
        " {expected[debits]} and {expected[credits]}.",
        each_minute=True,
    ),
    Check(
        name="account_seq_is_dense",
        says="An account's postings are numbered from 1 to its version without a gap",
        severity=FREEZE,
        objects="postings",
        sentence="{name} counts {expected[postings]} postings and has {found[postings]}, the last numbered {found[last]}; the first out of"
        " place is {found[first_wrong]}.",
        each_minute=True,
    ),
    Check(
        name="balance_after_follows",
        says="The balance after each posting is the one before it and its amount",
        severity=FREEZE,
        objects="postings",
        sentence="The balance after posting {found[first_wrong]} of {name} does not follow from the posting before it.",
        each_minute=True,
    ),
    Check(
        name="posted_in_order",
        says="Along an account's numbering, instants of posting only grow",
        severity=ALARM,
        objects="postings",
        sentence="Posting {found[first_wrong]} of {name} says it was posted before its predecessor.",
        each_minute=True,
    ),
    Check(
        name="verified_figures_hold",
        says="What was verified before has not changed since",
        severity=FREEZE,
        objects="accounts",
        sentence="The first {expected[postings]} postings of {name} came to debits {expected[debits]} and credits {expected[credits]} when"
        " they were verified; they are {found[debits]} and {found[credits]} now.",
    ),
    Check(
        name="days_add_up",
        says="The days of an account add up to its balance",
        severity=FREEZE,
        objects="accounts",
        sentence="The days of {name} add up to debits {found[debits]} and credits {found[credits]} in {found[postings]} postings; its"
        " balance says {expected[debits]} and {expected[credits]} in {expected[postings]}.",
        each_minute=True,
    ),
    Check(
        name="day_is_its_postings",
        says="Each effective day of an account is the sum of that day's postings",
        severity=FREEZE,
        objects="days",
        sentence="{name}: the day says debits {found[debits]} and credits {found[credits]}; its postings come to {expected[debits]} and"
        " {expected[credits]}.",
    ),
    Check(
        name="tail_is_what_is_unrolled",
        says="A deferred posting stands in the tail until it is rolled, and never in both",
        severity=FREEZE,
        objects="deferred",
        sentence="The deferred posting {name} does not stand where it should: expected {expected}, found {found}.",
    ),
    Check(
        name="pending_is_its_open_holds",
        says="What is pending on an account is what its open holds keep",
        severity=FREEZE,
        objects="accounts",
        sentence="{name} has pending debits {found[debits]} and credits {found[credits]}; its open holds keep {expected[debits]} and"
        " {expected[credits]}.",
        each_minute=True,
    ),
    Check(
        name="limit_is_kept",
        says="No account stands below its limit",
        severity=ALARM,
        objects="accounts",
        sentence="{name} stands at {found[held]}, below its limit of {expected[at_least]}.",
        each_minute=True,
    ),
    Check(
        name="trial_balance_is_zero",
        says="All balances of an entity in an asset come to zero",
        severity=FREEZE,
        objects="accounts",
        sentence="Debits and credits of {name} differ by {found[difference]}.",
        each_minute=True,
    ),
    Check(
        name="entry_balances",
        says="An entry balances in each legal entity and asset",
        severity=FREEZE,
        objects="entries",
        sentence="Entry {name} does not balance: {found[differences]}.",
        each_minute=True,
    ),
    Check(
        name="entry_is_complete",
        says="An entry has all its lines, on its own day",
        severity=FREEZE,
        objects="entries",
        sentence="Entry {name} declares {expected[lines]} lines of {expected[effective_date]}; {found[lines]} are there, or one is of"
        " another day.",
        each_minute=True,
    ),
    Check(
        name="posting_agrees_with_its_account",
        says="A posting is in its account's asset and entity",
        severity=FREEZE,
        objects="postings",
        sentence="Lines {found[lines]} of entry {name} are not in the asset and entity of their accounts.",
        each_minute=True,
    ),
    Check(
        name="postings_have_their_entry",
        says="Postings belong to an entry",
        severity=FREEZE,
        objects="entries",
        sentence="{found[postings]} postings name entry {name}, which is not there.",
    ),
    Check(
        name="entry_has_its_transaction",
        says="An entry belongs to a transaction that says it posted it",
        severity=FREEZE,
        objects="entries",
        sentence="Entry {name} of {expected[lines]} lines has no transaction that says so.",
        each_minute=True,
    ),
    Check(
        name="transaction_has_its_entry",
        says="A transaction that posted has its entry",
        severity=FREEZE,
        objects="transactions",
        sentence="Transaction {name} says it posted an entry, which is not there.",
    ),
    Check(
        name="content_is_what_was_posted",
        says="What was asked under a key is what its entry says",
        severity=FREEZE,
        objects="entries",
        sentence="Entry {name} is not what was asked under its key: expected {expected}, found {found}.",
        each_minute=True,
    ),
    Check(
        name="entry_lies_in_its_period",
        says="An entry's day lies in its period",
        severity=ALARM,
        objects="entries",
        sentence="Entry {name} is of {found[effective_date]}, outside of its period from {expected[from]} to {expected[to]}.",
        each_minute=True,
    ),
    Check(
        name="entry_is_of_its_type",
        says="An entry has the origin of its type, and the type and entity that were asked for",
        severity=ALARM,
        objects="entries",
        sentence="Entry {name} is {found[origin]} of type {found[type]}; asked for was {expected[origin]} of type {expected[type]}.",
        each_minute=True,
    ),
    Check(
        name="manual_entry_was_approved",
        says="An entry made by hand has an executed proposal",
        severity=FREEZE,
        objects="entries",
        sentence="Entry {name} rests on proposal {found[proposal]}, and that is not what its origin asks for.",
        each_minute=True,
    ),
    Check(
        name="transaction_status_agrees",
        says="A transaction's status is what its entry, hold or reversals say",
        severity=ALARM,
        objects="transactions",
        sentence="Transaction {name} is {found[status]}; by its entry, hold and reversals it is {expected[status]}.",
    ),
    Check(
        name="settlement_agrees",
        says="A transaction's settlement is what was last reported",
        severity=ALARM,
        objects="transactions",
        sentence="The settlement of transaction {name} is {found[status]}; by what was reported it is {expected[status]}.",
    ),
    Check(
        name="hold_adds_up",
        says="What a hold has given is what its events say, and never more than it held",
        severity=FREEZE,
        objects="holds",
        sentence="Hold {name} of {found[placed]} has captured {found[captured]} and released {found[released]}; its events say"
        " {expected[placed]}, {expected[captured]} and {expected[released]}.",
    ),
    Check(
        name="reversals_add_up",
        says="What is undone of an entry is what its reversals say, and never more than it posted",
        severity=ALARM,
        objects="reversals",
        sentence="Of {name}, {found[reversed]} of {found[amount]} are counted as undone; its reversals undo {expected[reversed]} of"
        " {expected[amount]}.",
    ),
    Check(
        name="control_account_has_no_postings",
        says="A control account has no postings of its own: it is the sum of the accounts under it",
        severity=FREEZE,
        objects="accounts",
        sentence="Control account {name} has postings of its own.",
    ),
    Check(
        name="account_stands_under_its_kind",
        says="An account stands under a control account of its own asset, entity and type, and never under itself",
        severity=ALARM,
        objects="accounts",
        sentence="Account {name} stands where it cannot: expected {expected}, found {found}.",
    ),
    Check(
        name="account_has_its_balance_row",
        says="Every account has a balance on its type's normal side",
        severity=FREEZE,
        objects="accounts",
        sentence="The balance row of {name} is missing or on the wrong side: expected {expected}, found {found}.",
    ),
    Check(
        name="close_is_what_was_posted",
        says="What a close stored is what had been posted by then",
        severity=ALARM,
        objects="closes",
        sentence="{name} stored debits {found[debits]} and credits {found[credits]}; what had been posted comes to {expected[debits]} and"
        " {expected[credits]}.",
    ),
    Check(
        name="close_digest_is_its_balances",
        says="A close's digest is that of the trial balance it stored",
        severity=ALARM,
        objects="closes",
        sentence="The trial balance stored with {name} has digest {expected[digest]}, not {found[digest]}.",
    ),
)
CHECK_OF = {check.name: check for check in CHECKS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """A statement and the checks it answers. One that is `screened` is asked of suspects alone (`ledger.operations.integrity_screens`)."""

    label: str
    checks: Sequence[str]
    statement: str
    screened: bool = False


_ENTRIES = (
    "postings_have_their_entry",
    "entry_balances",
    "entry_is_complete",
    "posting_agrees_with_its_account",
    "entry_has_its_transaction",
    "transaction_has_its_entry",
    "content_is_what_was_posted",
    "entry_lies_in_its_period",
    "entry_is_of_its_type",
    "manual_entry_was_approved",
)
_FIGURES = ("balance_is_its_postings", "account_seq_is_dense", "balance_after_follows", "posted_in_order", "days_add_up")
BALANCES = Pass(
    label="Holds, limits and totals",
    checks=("pending_is_its_open_holds", "limit_is_kept", "trial_balance_is_zero"),
    statement=integrity_statements.BALANCES,
)
ENTRIES = Pass(
    label="Entries",
    checks=_ENTRIES,
    statement=integrity_entries.ENTRIES,
    screened=True,
)
NEW_FIGURES = Pass(label="New postings", checks=_FIGURES, statement=integrity_statements.FOLD_WHAT_IS_NEW)
FIGURES = Pass(
    label="Balances, days and closes",
    checks=(*_FIGURES, "verified_figures_hold", "day_is_its_postings", "close_is_what_was_posted"),
    statement=integrity_statements.FOLD_WHOLE_ACCOUNTS,
    screened=True,
)

FULL = (
    FIGURES,
    Pass(label="Deferred postings", checks=("tail_is_what_is_unrolled",), statement=integrity_statements.TAIL),
    BALANCES,
    ENTRIES,
    Pass(label="Statuses", checks=("transaction_status_agrees", "settlement_agrees"), statement=integrity_entries.TRANSACTIONS),
    Pass(label="Holds", checks=("hold_adds_up",), statement=integrity_entries.HOLDS),
    Pass(label="Reversals", checks=("reversals_add_up",), statement=integrity_entries.REVERSALS),
    Pass(
        label="Chart",
        checks=("control_account_has_no_postings", "account_stands_under_its_kind", "account_has_its_balance_row"),
        statement=integrity_entries.CHART,
    ),
    Pass(label="Digests of closes", checks=("close_digest_is_its_balances",), statement=integrity_entries.CLOSE_DIGESTS),
)
EACH_MINUTE = (NEW_FIGURES, BALANCES, ENTRIES)

assert len(CHECK_OF) == len(CHECKS), "two checks of one name"
assert sorted(name for one in FULL for name in one.checks) == sorted(CHECK_OF), "a check that no pass answers, or two"
assert {check.name for check in CHECKS if check.each_minute} <= {name for one in EACH_MINUTE for name in one.checks}
