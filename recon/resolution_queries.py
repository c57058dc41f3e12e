"""Reading how breaks are resolved and treated: terms, treatments, evidence, mentions, and what a resolution rests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from approvals.models import User
from ledger.models import Account, LegalEntity
from ledger.queries import accounts_for
from ledgerops.lib.errors import Refusal, RefusalKind
from recon.break_queries import items_of
from recon.models import (
    Allocation,
    Break,
    EvidenceFile,
    Item,
    Match,
    Mention,
    Population,
    Reconciliation,
    ResolutionTerms,
    Treatment,
    TreatmentKind,
)
from recon.queries import Facts, breaks_for, facts_of_items

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser


class EvidenceNotFound(Refusal):
    code = "evidence_not_found"
    kind = RefusalKind.NOT_FOUND


class MentionNotFound(Refusal):
    code = "mention_not_found"
    kind = RefusalKind.NOT_FOUND


class TermsNotFound(Refusal):
    code = "terms_not_found"
    kind = RefusalKind.NOT_FOUND


def terms_of(account: Account) -> ResolutionTerms | None:
    """Return what may be resolved by less than an adjustment on this account's books and in its asset; None where nothing is said."""
    around = ("asset", "entity", "write_off_account")
    found = ResolutionTerms.objects.select_related(*around).filter(entity=account.entity_id, asset=account.asset_id)
    return found.order_by("-version").first()


def terms_for(user: "AbstractUser") -> list[ResolutionTerms]:
    """Return the terms in force of the entities whose accounts this user sees, by entity and asset."""
    later = ResolutionTerms.objects.filter(entity=OuterRef("entity"), asset=OuterRef("asset"), version__gt=OuterRef("version"))
    entities = LegalEntity.objects.filter(pk__in=accounts_for(user).order_by().values("entity"))
    found = ResolutionTerms.objects.filter(~Exists(later), entity__in=entities).select_related("entity", "asset", "write_off_account")
    return list(found.order_by("entity__code", "asset__code"))


def terms_in_force_for(user: "AbstractUser", *, entity: str, asset: str) -> ResolutionTerms:
    """Return the terms in force of one asset of an entity.

    :raises TermsNotFound: if they are not there for this user.
    """
    found = next((one for one in terms_for(user) if (one.entity.code, one.asset.code) == (entity, asset)), None)
    if found is None:
        raise TermsNotFound("there are no such terms in your scope")
    return found


def with_treatment(breaks: QuerySet[Break], *, treatment: str, today: date) -> QuerySet[Break]:
    """Return those of the breaks that are treated so now; `timing_over` was accepted until a day that has passed, `none` is not treated."""
    live = Treatment.objects.filter(recon_break=OuterRef("pk"), ended_at=None)
    over = Q(kind=TreatmentKind.TIMING, until__lt=today)
    if treatment == "timing_over":
        return breaks.filter(Exists(live.filter(over)))
    if treatment == "none":
        return breaks.filter(~Exists(live.exclude(over)))
    return breaks.filter(Exists(live.filter(kind=treatment).exclude(over)))


def treatment_of(recon_break: Break) -> Treatment | None:
    """Return how a break is treated, also where the day until which it was accepted has passed."""
    around = ("reason", "accepted_by")
    return Treatment.objects.filter(recon_break=recon_break, ended_at=None).select_related(*around).first()


def counts(treatment: Treatment, *, today: date) -> bool:
    """Return whether a treatment that nobody has ended holds on a day: timing does until the day it names."""
    return treatment.until is None or treatment.until >= today


def open_items_of(reconciliation: Reconciliation, *, population: Population | None = None) -> QuerySet[Item]:
    """Return the open items of a reconciliation, or of one of its populations, with that."""
    found = Item.objects.filter(reconciliation=reconciliation, open_minor__gt=0).select_related("population")
    return found if population is None else found.filter(population=population)


def evidence_files_of(recon_break: Break) -> list[EvidenceFile]:
    """Return what stands as evidence of a break, the latest first."""
    return list(EvidenceFile.objects.filter(recon_break=recon_break).select_related("added_by").order_by("-pk"))


def evidence_file_for(user: "AbstractUser", *, evidence_id: UUID) -> EvidenceFile:
    """Return one file of evidence.

    :raises EvidenceNotFound: if it is not there for this user.
    """
    seen = EvidenceFile.objects.filter(recon_break__in=breaks_for(user).order_by().values("pk"))
    found = seen.select_related("recon_break", "added_by").filter(pk=evidence_id).first()
    if found is None:
        raise EvidenceNotFound("there is no such file in your scope")
    return found


def mentions_for(user: User, *, unseen: bool = False) -> QuerySet[Mention]:
    """Return where this user was named in comments on breaks they see, the latest first."""
    seen = Mention.objects.filter(user=user, comment__recon_break__in=breaks_for(user).order_by().values("pk"))
    around = ("comment__author", "comment__recon_break__reconciliation")
    return (seen.filter(seen_at=None) if unseen else seen).select_related(*around).order_by("-pk")


def mention_for(user: User, *, mention_id: int) -> Mention:
    """Return one mention of this user.

    :raises MentionNotFound: if it is not there for them.
    """
    found = mentions_for(user).filter(pk=mention_id).first()
    if found is None:
        raise MentionNotFound("you are not named under that number")
    return found


def people_who_see_breaks() -> QuerySet[User]:
    permission = Q(groups__permissions__codename="view_break", groups__permissions__content_type__app_label="recon")
    return User.objects.filter(permission, is_active=True).distinct().order_by("username")


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A match that holds one of a resolved break's items beside the one that the break names, with all its items."""

    match: Match
    items: Sequence[Facts]


def matches_beside(recon_break: Break) -> list[Beside]:
    """Return what else a resolved break rests on: where a wrong entry was rebooked, the match of that entry with its reversal."""
    own = [pk for pk in (recon_break.ledger_item_id, recon_break.statement_item_id) if pk is not None]
    if len(own) < 2:
        return []
    held = Allocation.objects.filter(item__in=own, revoked_at=None).exclude(match=recon_break.resolved_by_id)
    matches = list(Match.objects.filter(pk__in=held.values("match")).select_related("made_by", "run").order_by("made_at"))
    return [Beside(match=one, items=list(facts_of_items(items_of(one)).values())) for one in matches]
