"""Finding things of every app by what people have in hand: a number, a reference, a name."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db.models import Q
from django.urls import reverse

from approvals import queries as approvals
from approvals.models import User
from ledger import queries as ledger
from ledger.models import Asset
from ledgerops.lib import money
from recon import queries as recon

SHOWN = 6
SHORTEST = 2
_NUMBER = re.compile(r"(?:(LE|BRK|ADJ)-?)?([0-9]{1,18})", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    href: str
    icon: str
    reference: str
    text: str
    aside: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    title: str
    hits: Sequence[Hit]


def groups_for(user: User, *, wanted: str) -> list[Group]:
    """Return what fits the words in the user's scope, a few of each kind; kinds with nothing are left out."""
    text = " ".join(wanted.split())[:80]
    if len(text) < SHORTEST:
        return []
    found = [Group(title=title, hits=kind(user, text)) for title, permission, kind in KINDS if user.has_perm(permission)]
    return [group for group in found if group.hits]


def _number_of(text: str, *, prefix: str) -> int | None:
    """Return the number that the text says, if it may be one of this kind: `LE-88213` is an entry's and nothing else's."""
    found = _NUMBER.fullmatch(text)
    if found is None or (found[1] or prefix).upper() != prefix:
        return None
    return int(found[2])


def _breaks(user: User, text: str) -> list[Hit]:
    fits = Q(reference__istartswith=text) | Q(counterparty__icontains=text)
    if (number := _number_of(text, prefix="BRK")) is not None:
        fits |= Q(number=number)
    return [
        Hit(
            href=reverse("recon:break", args=[one.pk]),
            icon="unplug",
            reference=one.public_number,
            text=" · ".join(part for part in (one.counterparty, one.reference) if part) or one.get_type_display(),
            aside=_amount(int(one.difference_minor), asset=one.reconciliation.source.asset, signed=True),
        )
        for one in recon.breaks_for(user).filter(fits).order_by("state", "occurred_on", "number")[:SHOWN]
    ]


def _entries(user: User, text: str) -> list[Hit]:
    # The index of references leaves out those that have none, and serves prefixes as they are written.
    fits = ~Q(reference="") & Q(reference__startswith=text)
    entries = ledger.entries_for(user)
    found = list(entries.filter(fits).order_by("reference")[:SHOWN])
    if (number := _number_of(text, prefix="LE")) is not None:
        found = [*entries.filter(number=number), *found][:SHOWN]
    return [
        Hit(
            href=reverse("ledger:entry", args=[one.pk]),
            icon="book-open",
            reference=one.public_number,
            text=" · ".join(part for part in (one.description, one.reference) if part),
            aside=f"{one.effective_date:%-d %b %Y}",
        )
        for one in found
    ]


def _accounts(user: User, text: str) -> list[Hit]:
    fits = Q(code__istartswith=text) | Q(name__icontains=text)
    return [
        Hit(
            href=reverse("ledger:account", args=[one.code]),
            icon="landmark",
            reference=one.code,
            text=one.name,
            aside=_amount(ledger.balance_of(one), asset=one.asset),
        )
        for one in ledger.accounts_for(user).filter(fits)[:SHOWN]
    ]


def _proposals(user: User, text: str) -> list[Hit]:
    fits = Q(title__icontains=text)
    if (number := _number_of(text, prefix="ADJ")) is not None:
        fits |= Q(number=number)
    return [
        Hit(
            href=reverse("approvals:proposal", args=[one.pk]),
            icon="stamp",
            reference=one.public_number,
            text=one.title,
            aside=one.get_status_display(),
        )
        for one in approvals.proposals_for(user).filter(fits).order_by("-id")[:SHOWN]
    ]


def _statements(user: User, text: str) -> list[Hit]:
    fits = Q(number__istartswith=text) | Q(file__name__icontains=text) | Q(source__name__icontains=text)
    return [
        Hit(
            href=reverse("recon:statement", args=[one.pk]),
            icon="file-text",
            reference=one.number or one.closing_date.isoformat(),
            text=one.source.name,
            aside=f"{one.closing_date:%-d %b %Y}",
        )
        for one in recon.statements_for(user).filter(fits)[:SHOWN]
    ]


def _amount(minor: int, *, asset: Asset, signed: bool = False) -> str:
    return f"{money.grouped(minor, scale=asset.scale, signed=signed)} {asset.code}"


Kind = Callable[[User, str], list[Hit]]

KINDS: Sequence[tuple[str, str, Kind]] = (
    ("Breaks", "recon.view_break", _breaks),
    ("Entries", "ledger.view_journalentry", _entries),
    ("Accounts", "ledger.view_account", _accounts),
    ("Proposals", "approvals.view_proposal", _proposals),
    ("Statements", "recon.view_statement", _statements),
)
