"""Which records are shown, and which rows of them to whom.

A model is shown through its own gate, through the gates of what its rows hang on, or whole where it is no part of anybody's books. One that
is in neither table and hangs on nothing that is, is not shown at all: a test asks for the decision.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, ForeignKey, Model, OuterRef, Q, QuerySet

from approvals import queries as approvals
from approvals.models import Proposal, User
from audit import queries as audit
from ledger import queries as ledger
from ledger.models import Account, AccountGroup, JournalEntry, LegalEntity, Posting
from recon import queries as recon
from recon import work_queries
from recon.models import Break, Reconciliation, Run, SavedView, Source, Statement, StatementFile

Rows = QuerySet[Any]


@dataclass(frozen=True, slots=True)
class Gate:
    """The permission that the pages of these rows ask for, and the rows that a user's roles give sight of."""

    permission: str
    rows: Callable[[User], Rows]


GATES: dict[type[Model], Gate] = {
    audit.RecordedEvent: Gate("audit.search_trail", audit.events_for),
    Proposal: Gate("approvals.view_proposal", approvals.proposals_for),
    LegalEntity: Gate("ledger.view_account", ledger.entities_for),
    AccountGroup: Gate("ledger.view_account", ledger.account_groups_for),
    Account: Gate("ledger.view_account", ledger.accounts_for),
    JournalEntry: Gate("ledger.view_journalentry", ledger.entries_for),
    # A leg is seen with its account, as in the account's statement.
    Posting: Gate(
        "ledger.view_account", lambda user: Posting.objects.filter(account__in=ledger.accounts_for(user).order_by().values("pk"))
    ),
    Source: Gate("recon.view_statement", recon.sources_for),
    Statement: Gate("recon.view_statement", recon.statements_for),
    StatementFile: Gate("recon.view_statement", recon.files_for),
    Reconciliation: Gate("recon.view_break", recon.reconciliations_for),
    Run: Gate("recon.view_run", recon.runs_for),
    Break: Gate("recon.view_break", recon.breaks_for),
    SavedView: Gate("recon.view_break", work_queries.saved_views_for),
}

# What rows hang on without a foreign key: column and model.
LOOSE: dict[str, tuple[str, type[Model]]] = {"ledger.IdempotencyKey": ("entry_id", JournalEntry)}

# Common to everybody: units, rules, kinds, roles.
WHOLE = frozenset(
    {
        "approvals.HistoricalReasonCode",
        "approvals.PolicyVersion",
        "approvals.ReasonCode",
        "approvals.User",
        "auth.Group",
        "auth.Permission",
        "contenttypes.ContentType",
        "guardian.GroupObjectPermission",
        "guardian.UserObjectPermission",
        "ledger.Asset",
        "ledger.BeneficialOwnership",
        "ledger.HistoricalAsset",
        "ledger.HistoricalBeneficialOwnership",
        "ledger.HistoricalParty",
        "ledger.IntegrityRun",
        "ledger.Party",
        "recon.BusinessDay",
        "recon.ServiceLevel",
        "ledger.Rate",
        "ledger.RateAge",
        "ledger.TransactionType",
        "runtime.Switch",
    }
)

EXCLUDED = {
    "account.EmailAddress": "personal data",
    "account.EmailConfirmation": "credentials",
    "admin.LogEntry": "nothing is ever written there",
    "axes.AccessAttempt": "sign-ins",
    "axes.AccessAttemptExpiration": "sign-ins",
    "axes.AccessFailureLog": "sign-ins",
    "axes.AccessLog": "sign-ins",
    "knox.AuthToken": "credentials",
    "ledger.ExternalAccount": "personal data",
    "ledger.HistoricalExternalAccount": "personal data",
    "ledger.HistoricalPartyDetails": "personal data",
    "ledger.PartyDetails": "personal data",
    "mfa.Authenticator": "credentials",
    "recon.HandoverMark": "preferences",
    "sessions.Session": "sessions",
}
assert not WHOLE & set(EXCLUDED)

# Columns that stay out of sight on records that are shown.
HIDDEN = {
    "approvals.User": frozenset({"password", "first_name", "last_name", "email"}),
    "audit.AuditEvent": frozenset({"session_digest"}),
    # As it was asked for, it may name accounts that its reader does not see.
    "ledger.RecurringEntry": frozenset({"entry"}),
    "ledger.Transaction": frozenset({"content", "refusal_detail", "warnings"}),
    # Handed out as its evidence pack, which is on the trail.
    "recon.Certificate": frozenset({"pack", "canonical"}),
    # What the bank's file says word by word.
    "recon.StatementFile": frozenset({"errors"}),
    "recon.StatementLine": frozenset({"raw"}),
}


def is_shown(model: type[Model]) -> bool:
    """Return whether records of this kind are shown to anybody."""
    label = model._meta.label
    return label not in EXCLUDED and (label in WHOLE or _is_scoped(model))


def permissions_of(model: type[Model]) -> frozenset[str]:
    """Return the permissions that the pages of such records ask for, those of what they hang on included."""
    if model in GATES:
        return frozenset({GATES[model].permission})
    return frozenset().union(*(permissions_of(target) for _, target in _hangs_on(model)))


def rows_for(user: User, model: type[Model]) -> Rows:
    """Return the rows that a user's roles give sight of; a row that hangs on nothing at all is in nobody's sight.

    :raises TrailNotVisible: for the trail, to those who may not search it.
    """
    if model in GATES:
        return GATES[model].rows(user)
    rows = model._base_manager.all()  # noqa: SLF001 - what there is, past what a default manager may leave out
    if model._meta.label in WHOLE:
        return rows
    hanging = Q()
    for column, target in _hangs_on(model):
        rows = rows.filter(Q(**{f"{column}__isnull": True}) | Exists(rows_for(user, target).filter(pk=OuterRef(column))))
        hanging |= Q(**{f"{column}__isnull": False})
    return rows.filter(hanging)


def columns_of(model: type[Model]) -> list[Any]:
    """Return the fields of a record that are shown, its key first."""
    hidden = HIDDEN.get(model._meta.label, frozenset())
    keys = keys_of(model)
    fields = [field for field in model._meta.concrete_fields if field.name not in hidden]
    return sorted(fields, key=lambda field: field.attname not in keys)


def keys_of(model: type[Model]) -> list[str]:
    """Return the columns of the primary key."""
    return [field.attname for field in model._meta.pk_fields]


def _is_scoped(model: type[Model]) -> bool:
    return model in GATES or bool(_hangs_on(model))


@functools.cache
def _hangs_on(model: type[Model], above: tuple[type[Model], ...] = ()) -> tuple[tuple[str, type[Model]], ...]:
    """Return the columns that lead to scoped rows, with their models: what the row is a version of, or else its foreign keys."""
    label = model._meta.label
    if label in EXCLUDED or label in WHOLE or model in above:
        return ()
    found: list[tuple[str, type[Model]]] = [LOOSE[label]] if label in LOOSE else []
    if current := getattr(model, "instance_type", None):
        found.append((current._meta.pk.attname, current))
    else:
        found += [(field.attname, field.related_model) for field in model._meta.concrete_fields if isinstance(field, ForeignKey)]
    return tuple((column, to) for column, to in found if to in GATES or (to is not model and _hangs_on(to, (*above, model))))
