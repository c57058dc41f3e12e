"""Proposing what closes a break by a posting: a write-off, or a reversal with a rebooking."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from approvals.models import Proposal, User
from approvals.queries import eligible_approvers, proposals_about
from ledger.accounting import Line
from ledger.models import Account, JournalEntry
from ledger.queries import effects_of
from ledger.queries.reversals import legs_left
from ledgerops.lib.errors import Refusal
from ledgerops.lib.http import STATUS_OF, requires
from recon import break_queries, operations, queries, resolution_queries
from recon.models import Break, Item, ResolutionTerms
from recon.operations.corrections import entry_lines
from recon.operations.matches import difference_of
from recon.operations.rebookings import rebooked_lines, wrong_entry_of
from recon.web.breaks.case import OVERTAKEN, PROPOSAL_REFUSALS, address_of, frame_of, sentence_of
from recon.web.breaks.forms import default_date, ids_in
from recon.web.breaks.listing import user_of
from recon.web.breaks.revising import Revision, revision_of
from recon.web.resolutions.forms import CorrectionForm, RebookingForm, WriteOffForm

REFUSALS = (*PROPOSAL_REFUSALS, operations.WriteOffRefused, operations.RebookingRefused)
ACCOUNTS_OFFERED = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way of correcting: its kind of proposal, its words, its form, and how it is asked for."""

    kind: str
    title: str
    lead: str
    template: str
    form: type[CorrectionForm]
    propose: Callable[..., Proposal]
    revise: Callable[..., Proposal]


WRITE_OFF = Way(
    kind=operations.WRITE_OFF,
    title="Write off",
    lead="A small residual is booked as an expense once somebody else has agreed; the posting closes the break by matching.",
    template="recon/resolutions/write_off.html",
    form=WriteOffForm,
    propose=operations.propose_write_off,
    revise=operations.revise_write_off,
)
REBOOK = Way(
    kind=operations.REBOOK,
    title="Reverse and rebook",
    lead="The wrong entry is undone and booked as the bank has it, both at once, once somebody else has agreed.",
    template="recon/resolutions/rebook.html",
    form=RebookingForm,
    propose=operations.propose_rebooking,
    revise=operations.revise_rebooking,
)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("recon.propose_write_off")
def write_off(request: HttpRequest, break_id: UUID) -> HttpResponse:
    """Ask for the write-off of a break's residual; above the limit the page leads to an adjustment."""
    return _page(request, break_id=break_id, way=WRITE_OFF)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("recon.propose_rebooking")
def rebook(request: HttpRequest, break_id: UUID) -> HttpResponse:
    """Ask for the reversal of a break's entry and its booking as the bank has it."""
    return _page(request, break_id=break_id, way=REBOOK)


def _page(request: HttpRequest, *, break_id: UUID, way: Way) -> HttpResponse:
    user = user_of(request)
    recon_break = queries.break_for(user, break_id=break_id)
    operations.refuse_of_a_source(recon_break)
    revision = _revision(recon_break, way=way, user=user)
    if request.method != "POST":
        form = way.form(
            recon_break=recon_break, revises=revision.proposal if revision else None, initial=_initial(request, recon_break, revision)
        )
        return _render(request, recon_break, way=way, form=form, revision=revision)
    form = way.form(request.POST, recon_break=recon_break, revises=revision.proposal if revision else None)
    _offer(form, recon_break=recon_break, user=user, taken=_taken(recon_break, form))
    if not form.is_valid():
        return _render(request, recon_break, way=way, form=form, revision=revision, status=422)
    try:
        wish = form.request()  # type: ignore[attr-defined]
        if revision:
            proposal = way.revise(proposal_id=revision.proposal.pk, request=wish, maker_id=user.pk)
        else:
            proposal = way.propose(request=wish, maker_id=user.pk)
    except REFUSALS as refusal:
        fresh = queries.break_for(user, break_id=break_id)
        if isinstance(refusal, OVERTAKEN):
            form.rest_on(fresh.version)
            return _render(request, fresh, way=way, form=form, revision=revision, refusal=refusal)
        form.add_error(refusal.field if refusal.field in form.fields else None, sentence_of(refusal))
        return _render(request, fresh, way=way, form=form, revision=revision, status=STATUS_OF[refusal.kind])
    messages.success(request, f"{proposal.public_number} waits for approval.")
    return redirect(address_of(request, break_id))


def _revision(recon_break: Break, *, way: Way, user: User) -> Revision | None:
    about = proposals_about(target_type="recon.break", target_id=recon_break.pk).filter(kind=way.kind)
    return revision_of(recon_break, proposals=list(about.prefetch_related("versions", "decisions__approver")), user=user, kind=way.kind)


def _initial(request: HttpRequest, recon_break: Break, revision: Revision | None) -> dict[str, Any]:
    if revision is not None:
        return revision.values
    named = ids_in(request.GET.get("take", ""))
    return {
        "version": recon_break.version,
        "effective_date": default_date(recon_break, today=timezone.localdate()),
        "take": ",".join(str(item.pk) for item in break_queries.items_beside(recon_break, item_ids=named)),
        "counter_account": request.GET.get("counter_account", ""),
    }


def _taken(recon_break: Break, form: CorrectionForm) -> list[Item]:
    return break_queries.items_beside(recon_break, item_ids=ids_in(str(form["take"].value() or "")))


def _offer(form: CorrectionForm, *, recon_break: Break, user: User, taken: Sequence[Item]) -> None:
    """Offer the accounts that may take the change of a rebooking: the entry's other legs first, then what else there is."""
    if not isinstance(form, RebookingForm):
        return
    account = queries.account_of(recon_break)
    legs = [] if (original := _original(recon_break, taken=taken)) is None else legs_left(original)
    own = [(leg.account.code, f"{leg.account.code} {leg.account.name}") for leg in legs if leg.account.pk != account.pk]
    known = {code for code, _ in own}
    others = break_queries.counter_accounts_for(user, account=account).order_by("code")[:ACCOUNTS_OFFERED]
    form.offer([*own, *((one.code, f"{one.code} {one.name}") for one in others if one.code not in known)])


def _original(recon_break: Break, *, taken: Sequence[Item]) -> JournalEntry | None:
    try:
        wrong = wrong_entry_of([*_own(recon_break), *taken])
    except operations.RebookingRefused:
        return None
    assert wrong.entry_id is not None
    return JournalEntry.objects.filter(pk=wrong.entry_id).first()


def _own(recon_break: Break) -> list[Item]:
    return [item for item in (recon_break.ledger_item, recon_break.statement_item) if item is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One entry that would be posted, with what it does to each account, or why there is none."""

    title: str
    lines: Sequence[Line]


def _render(
    request: HttpRequest,
    recon_break: Break,
    *,
    way: Way,
    form: CorrectionForm,
    revision: Revision | None,
    refusal: Refusal | None = None,
    status: int = 200,
) -> HttpResponse:
    user = user_of(request)
    frame = frame_of(request, recon_break)
    free = frame["may_propose"] or revision is not None
    taken = _taken(recon_break, form)
    if not form.is_bound:
        _offer(form, recon_break=recon_break, user=user, taken=taken)
    items = [*_own(recon_break), *taken]
    difference = difference_of(items) if free else int(recon_break.difference_minor)
    terms = resolution_queries.terms_of(queries.account_of(recon_break)) if way is WRITE_OFF else None
    planned, problem = _planned(recon_break, way=way, form=form, items=items, terms=terms, difference=difference) if free else ([], "")
    context = {
        **frame,
        "way": way,
        "form": form,
        "free": free,
        "revision": revision,
        "items": list(queries.facts_of_items(items).values()),
        "difference_minor": difference,
        "terms": terms,
        "planned": planned,
        "effects": effects_of(lines=[line for one in planned for line in one.lines]),
        "problem": problem,
        "stale": sentence_of(refusal) if refusal else "",
        "approvers": [person.shown_name for person in eligible_approvers(Proposal(maker=user))],
        "adjust": f"{reverse('recon:break', args=[recon_break.pk])}?take={form['take'].value() or ''}#propose",
    }
    return render(request, way.template, context, status=STATUS_OF[refusal.kind] if refusal else status)


def _planned(
    recon_break: Break,
    *,
    way: Way,
    form: CorrectionForm,
    items: Sequence[Item],
    terms: ResolutionTerms | None,
    difference: int,
) -> tuple[list[Planned], str]:
    """Return the entries that would be posted, or the sentence that says why none could be."""
    account = queries.account_of(recon_break)
    if way is WRITE_OFF:
        if terms is None or terms.write_off_account is None:
            return [], f"Nothing is written off in {account.asset.code}."
        if not difference:
            return [], "These items agree already: match them, there is nothing to write off."
        if abs(difference) > int(terms.write_off_maximum_minor):
            return [], "The difference is more than may be written off."
        lines = entry_lines(difference_minor=difference, account=account, counter_account=terms.write_off_account.code)
        return [Planned(title="Write-off", lines=lines)], ""
    try:
        return _rebooked(
            account=account, items=items, counter_account=str(form["counter_account"].value() or ""), difference=difference
        ), ""
    except operations.RebookingRefused as refusal:
        return [], sentence_of(refusal)


def _rebooked(*, account: Account, items: Sequence[Item], counter_account: str, difference: int) -> list[Planned]:
    """Return the reversal and the new entry.

    :raises RebookingRefused: if there can be none.
    """
    wrong = wrong_entry_of(items)
    assert wrong.entry_id is not None
    original = JournalEntry.objects.get(pk=wrong.entry_id)
    legs = legs_left(original)
    others = [leg.account.code for leg in legs if leg.account.pk != account.pk]
    asset = account.asset.code
    undone = [Line(account=leg.account.code, direction=leg.other_side, amount_minor=leg.left_minor, asset=asset) for leg in legs]
    anew = [Line(account=leg.account.code, direction=leg.direction, amount_minor=leg.posted_minor, asset=asset) for leg in legs]
    if difference or counter_account not in ("", *others):
        bank_minor = wrong.signed_minor - difference
        anew = rebooked_lines(legs=legs, account=account, bank_minor=bank_minor, counter_account=counter_account or others[0])
    return [Planned(title=f"Reversal of {original.public_number}", lines=undone), Planned(title="Booked as the bank has it", lines=anew)]
