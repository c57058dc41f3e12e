"""Cards that other apps add to the account pages of this one: they know the books, the books do not know them.

A panel is asked with the reader and what the page shows, and answers with a template and its context, or None where it has nothing to say.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from approvals.models import User
from ledger.models import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    template: str
    context: Mapping[str, Any]


AccountPanel = Callable[[User, Account], Panel | None]

_account_panels: list[AccountPanel] = []


def register_account_panel(panel: AccountPanel) -> None:
    assert panel not in _account_panels, "the panel is registered already"
    _account_panels.append(panel)


def account_panels(user: User, account: Account) -> list[Panel]:
    """Return what other apps say of an account that the reader may see."""
    return [shown for panel in _account_panels if (shown := panel(user, account)) is not None]
