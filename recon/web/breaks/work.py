"""What an analyst does with a break besides resolving it, one by one, by selection, or with everything that filters find."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from approvals.models import User
from ledgerops.lib.http import STATUS_OF, requires
from recon import break_queries, operations, queries
from recon.operations.break_work import BULK_MAXIMUM, WorkOutcome
from recon.web.breaks import filters
from recon.web.breaks.listing import assignee_from, list_page, rows_of, selected_ids, user_of, work_lists

SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One thing to do to a break, and the words for having done it."""

    do: Callable[[UUID], object]
    done: str


@require_POST
@requires("recon.work_break")
def work(request: HttpRequest, break_id: UUID) -> HttpResponse:
    """Do one thing to one break."""
    recon_break = queries.break_for(user_of(request), break_id=break_id)
    try:
        wanted = work_from(request.POST, user=user_of(request))
        wanted.do(recon_break.pk)
    except (operations.BreakWorkInvalid, operations.BreakRefused) as refusal:
        messages.error(request, f"Nothing was changed: {refusal}.")
    else:
        messages.success(request, f"{recon_break.public_number}: {wanted.done}.")
    return redirect(f"{reverse('recon:break', args=[break_id])}{filters.address(request.GET).removesuffix('?')}")


@require_POST
@requires("recon.work_break")
def work_selected(request: HttpRequest) -> HttpResponse:
    """Do one thing to the selected breaks, each an act of its own."""
    user = user_of(request)
    chosen = list(queries.breaks_for(user).filter(pk__in=selected_ids(request.POST)).values_list("pk", flat=True))
    try:
        wanted = work_from(request.POST, user=user)
    except operations.BreakWorkInvalid as refusal:
        said, tone = f"Nothing was changed: {refusal}.", "bad"
    else:
        outcomes = operations.work_breaks(break_ids=chosen, do=wanted.do)
        said, tone = _said(outcomes, done=wanted.done)
    if request.headers.get("HX-Target") == "results":
        return list_page(request, events={"toast": {"text": said, "tone": tone}})
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Trigger": json.dumps({"toast": {"text": said, "tone": tone}, "breaksChanged": {}})})
    (messages.error if tone == "bad" else messages.success)(request, said)
    return redirect(f"{reverse('recon:breaks')}{filters.address(request.GET)}")


@require_http_methods(["GET", "HEAD", "POST"])
@requires("recon.work_break")
def work_found(request: HttpRequest) -> HttpResponse:
    """Show what the filters in the address find, and do one thing to all of it; what was refused is listed with its reason."""
    user, today = user_of(request), timezone.localdate()
    found = filters.BreakFilter(request.GET, user=user, today=today).qs.order_by(*filters.order_of(request.GET))
    context: dict[str, Any] = {"list_query": filters.address(request.GET), **work_lists()}
    status, ids = 200, list(found.values_list("pk", flat=True)[: BULK_MAXIMUM + 1])
    if request.method == "POST":
        try:
            _refuse_other(ids, digest=request.POST.get("shown", ""))
            wanted = work_from(request.POST, user=user)
            outcomes = operations.work_breaks(break_ids=ids, do=wanted.do)
        except operations.BreakWorkInvalid as refusal:
            context["refused"] = str(refusal)
            status = STATUS_OF[refusal.kind]
        else:
            context |= _outcome(outcomes, wanted=wanted, user=user)
            return render(request, "recon/breaks/worked.html", context)
    context |= {
        "count": len(ids),
        "shown": _digest(ids),
        "maximum": BULK_MAXIMUM,
        "rows": rows_of(list(found[:SHOWN]), today=today),
        "totals": break_queries.totals_by_asset(found),
        "chips": filters.chips(request.GET, bar=filters.controls(request.GET, user=user)),
    }
    return render(request, "recon/breaks/work.html", context, status=status)


def work_from(posted: QueryDict, *, user: User) -> Work:
    """Return what a form asks to be done.

    :raises BreakWorkInvalid: if it asks nothing that is known, or names no day.
    """
    # A button that takes a label off names the label, and by that the act.
    make = _labelling if "unlabel" in posted else _MAKERS.get(posted.get("act", ""))
    if make is None:
        raise operations.BreakWorkInvalid("say what is to be done", field="act")
    return make(posted, user)


def _assigning(posted: QueryDict, user: User) -> Work:
    person = assignee_from(posted.get("assignee", "me"), user=user)
    named = "given back" if person is None else f"assigned to {'you' if person == user else person.shown_name}"
    return Work(do=lambda pk: operations.assign_break(break_id=pk, assignee_id=person.pk if person else None), done=named)


def _labelling(posted: QueryDict, _user: User) -> Work:
    label, wanted = posted.get("unlabel") or posted.get("label", ""), "unlabel" not in posted
    return Work(
        do=lambda pk: operations.label_break(break_id=pk, label=label, wanted=wanted), done="labelled" if wanted else "label taken off"
    )


def _naming_cause(posted: QueryDict, _user: User) -> Work:
    cause = posted.get("cause") or None
    return Work(do=lambda pk: operations.name_root_cause(break_id=pk, cause=cause), done="root cause noted")


def _putting_off(posted: QueryDict, _user: User) -> Work:
    until, reason = _day(posted.get("until", "")), posted.get("reason", "")
    return Work(do=lambda pk: operations.snooze_break(break_id=pk, until=until, reason=reason), done=f"put off to {until:%-d %b %Y}")


def _watching(posted: QueryDict, user: User) -> Work:
    wanted = posted["act"] == "watch"
    return Work(
        do=lambda pk: operations.watch_break(break_id=pk, user_id=user.pk, wanted=wanted),
        done="watched" if wanted else "watched no longer",
    )


_MAKERS: dict[str, Callable[[QueryDict, User], Work]] = {
    "assign": _assigning,
    "label": _labelling,
    "cause": _naming_cause,
    "snooze": _putting_off,
    "wake": lambda _posted, _user: Work(do=lambda pk: operations.wake_break(break_id=pk), done="back in the queue"),
    "return": lambda _posted, _user: Work(do=lambda pk: operations.return_break(break_id=pk), done="given back to whom it was with before"),
    "watch": _watching,
    "unwatch": _watching,
}


def _refuse_other(ids: Sequence[UUID], *, digest: str) -> None:
    if _digest(ids) != digest:
        raise operations.BreakWorkInvalid("the filters find other breaks now: look at them again", field="shown")


def _digest(ids: Sequence[UUID]) -> str:
    """Return what tells one set of breaks from another."""
    return sha256(b"".join(sorted(pk.bytes for pk in ids))).hexdigest()


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise operations.BreakWorkInvalid("say to which day", field="until") from None


def _said(outcomes: Sequence[WorkOutcome], *, done: str) -> tuple[str, str]:
    refused = [one.refusal for one in outcomes if one.refusal]
    count = len(outcomes) - len(refused)
    sentence = f"{count} break{'' if count == 1 else 's'} {done}"
    return (f"{sentence}. Not: {'; '.join(refused)}.", "bad") if refused else (f"{sentence}.", "good")


def _outcome(outcomes: Sequence[WorkOutcome], *, wanted: Work, user: User) -> dict[str, Any]:
    refused = {one.break_id: one.refusal for one in outcomes if one.refusal}
    named: dict[UUID, Any] = {each.pk: each for each in queries.breaks_for(user).filter(pk__in=refused)}
    return {
        "done": wanted.done,
        "done_count": len(outcomes) - len(refused),
        "refused_rows": [(named[pk], sentence) for pk, sentence in refused.items()],
    }
