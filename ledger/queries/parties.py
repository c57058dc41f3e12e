"""Parties within the reader's sight. Personal data is read by a function of its own."""

from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from ledger.models import Account, BeneficialOwnership, ExternalAccount, ExternalAccountStatus, Party, PartyDetails
from ledger.queries import accounts_for, entities_for
from ledgerops.lib.errors import Refusal, RefusalKind

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser


class PartyNotFound(Refusal):
    code = "party_not_found"
    kind = RefusalKind.NOT_FOUND


class ExternalAccountNotFound(Refusal):
    code = "external_account_not_found"
    kind = RefusalKind.NOT_FOUND


def parties_for(user: "AbstractUser") -> QuerySet[Party]:
    """Return the parties with an account in sight, and those without accounts; nobody who sees no entity sees any."""
    if not entities_for(user).exists():
        return Party.objects.none()
    own = Account.objects.filter(party=OuterRef("pk"))
    seen = own.filter(pk__in=accounts_for(user).order_by().values("pk"))
    return Party.objects.filter(Exists(seen) | ~Exists(own)).select_related("program").order_by("code")


def counted_parties(parties: QuerySet[Party]) -> QuerySet[Party]:
    """Return the parties with how many open accounts and allowed external accounts each has."""
    return parties.annotate(
        accounts_count=Count("accounts", filter=Q(accounts__status="open"), distinct=True),
        allowed_count=Count("external_accounts", filter=Q(external_accounts__status=ExternalAccountStatus.ALLOWED), distinct=True),
    )


def party_for(user: "AbstractUser", *, code: str) -> Party:
    """Return one party.

    :raises PartyNotFound: if it does not exist or is out of the user's sight.
    """
    party = parties_for(user).filter(code=code).first()
    if party is None:
        raise PartyNotFound(f"there is no party {code} in your scope")
    return party


def party_named(code: str) -> Party:
    """Return a party of a proposal. The caller has already shown the proposal to the reader."""
    return Party.objects.select_related("program").get(code=code)


def details_of(party: Party) -> PartyDetails | None:
    return PartyDetails.objects.filter(party=party).first()


def owners_of(party: Party) -> QuerySet[BeneficialOwnership]:
    """Return who owns what the party's accounts hold, those of today first."""
    return BeneficialOwnership.objects.filter(customer=party).select_related("owner").order_by("-until_on", "owner__code")


def accounts_of(user: "AbstractUser", party: Party) -> QuerySet[Account]:
    return accounts_for(user).filter(party=party)


def external_accounts_of(party: Party) -> QuerySet[ExternalAccount]:
    return ExternalAccount.objects.filter(party=party).select_related("asset").order_by("-id")


def external_account_for(user: "AbstractUser", *, external_account_id: UUID) -> ExternalAccount:
    """Return one account outside.

    :raises ExternalAccountNotFound: if it does not exist or its party is out of the user's sight.
    """
    found = ExternalAccount.objects.filter(pk=external_account_id, party__in=parties_for(user).values("pk")).select_related("party").first()
    if found is None:
        raise ExternalAccountNotFound("there is no such account in your scope")
    return found
