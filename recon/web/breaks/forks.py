"""Accepting the chain as it is now, on the page of the break that a reorganisation of what was final opened."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from approvals.operations import ProposalInvalid
from ledgerops.lib.http import requires
from recon import operations, queries
from recon.web.statements.views import user_of


@require_POST
@requires("recon.accept_chain")
def accept_chain(request: HttpRequest, break_id: UUID) -> HttpResponse:
    """Propose that the other chain is accepted: somebody else decides."""
    user = user_of(request)
    recon_break = queries.break_for(user, break_id=break_id)
    try:
        proposal = operations.propose_chain(
            break_id=recon_break.pk,
            reason_code=request.POST.get("reason_code", ""),
            narrative=request.POST.get("narrative", ""),
            maker_id=user.pk,
        )
    except (operations.BreakRefused, ProposalInvalid) as refusal:
        text = str(refusal)
        messages.error(request, f"{text[:1].upper()}{text[1:]}. Nothing was changed.")
        return redirect("recon:break", break_id=recon_break.pk)
    messages.success(request, "Proposed. The other chain counts once somebody else agrees.")
    return redirect("approvals:proposal", proposal_id=proposal.pk)
