"""Holds and limits in tests: asked for in one line, told in one."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from ledger import operations
from ledger.models import Account, Balance, Hold
from ledger.operations import HoldAnswer, HoldRequest
from ledgerops.lib import money
from tests.fixtures import ENTITY

LATER = datetime(2036, 1, 1, tzinfo=UTC)
_keys = count(1)


def place(account: str = "2010", amount: str = "6.00", *, direction: str = "debit", kind: str = "hold", **values: Any) -> HoldAnswer:
    """Ask for a hold in dollars, under a key of its own unless one is given."""
    wanted: dict[str, Any] = {
        "key": f"hold-{next(_keys)}",
        "type": kind,
        "entity": ENTITY,
        "account": account,
        "direction": direction,
        "amount_minor": money.minor_from_text(amount, scale=2, field="amount"),
        "asset": "USD",
        "expires_at": LATER,
    }
    return operations.place_hold(request=HoldRequest(**wanted | values), scope="tests")


def hold(*arguments: str, **values: Any) -> UUID:
    return place(*arguments, **values).hold_id


def shortly() -> datetime:
    return datetime.now(UTC) + timedelta(milliseconds=200)


def available(code: str) -> str:
    """Return what may still go out of an account, such as `4.00`."""
    return money.plain(Balance.objects.get(account__code=code).available_minor, scale=2)


def state(hold_id: UUID) -> str:
    """Return what became of a hold, such as `posted: 6.00 captured, 0.00 released, 0.00 held`."""
    kept = Hold.objects.select_related("transaction").get(pk=hold_id)
    parts: dict[str, Any] = {"captured": kept.captured_minor, "released": kept.released_minor, "held": kept.remaining_minor}
    said = ", ".join(f"{money.plain(int(minor), scale=2)} {name}" for name, minor in parts.items())
    return f"{kept.transaction.status}: {said}"


def limited(account: Account, **changes: Any) -> Account:
    """Give an account that nothing was posted to yet an overdraft limit of zero, or what is said."""
    operations.change_account(account=account, changes=changes or {"overdraft_limit": "0"})
    return account
