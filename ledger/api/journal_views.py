"""Entries that go through approval, over REST: each POST answers 202 with the proposal that now waits."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from approvals.api.serializers import ProposalDetailFields
from approvals.api.shown import proposal_in_full, user_of
from approvals.models import User
from ledger import queries
from ledger.accounting import DraftRefused, Line
from ledger.api import journal_serializers as serializers
from ledger.journal_files import OpenItem
from ledger.models import RecurringEntry
from ledger.operations.cutover import OpeningRequest, opening_entries, propose_opening
from ledger.operations.journals import JournalRequest, propose_journal
from ledger.operations.recurring import RecurringRequest, propose_recurring, stop_recurring
from ledger.operations.reversals import ReversalRequest, propose_reversal
from ledger.proposed import ProposedEntry
from ledger.queries.journals import problems_of
from ledger.queries.recurring import recurring_for, recurring_of
from ledgerops.lib.api import asked, said

ACCEPTED = 202
_KEY = OpenApiParameter("Idempotency-Key", OpenApiTypes.STR, OpenApiParameter.HEADER, description="1 to 200 characters; not for a dry run")


class Journals(APIView):
    required_permissions = {"POST": "ledger.propose_entry"}

    @extend_schema(
        summary="Propose one or many entries",
        description=(
            "Nothing is posted: the proposal waits for somebody other than its maker; then all its entries are posted or none. The same "
            "key with the same content answers with the same proposal, with other content 409 `journal_known`. `dry_run=true` answers 200 "
            "with what the entries would do to each account and why the books would refuse them."
        ),
        parameters=[serializers.DryRunFilters, _KEY],
        request=serializers.JournalBody,
        responses={ACCEPTED: ProposalDetailFields, 200: serializers.EffectsOfJournal},
    )
    def post(self, request: Request) -> Response:
        user = user_of(request)
        is_dry = asked(request, serializers.DryRunFilters)["dry_run"]
        body = said(request, serializers.JournalBody)
        for number, entry in enumerate(body["entries"], start=1):
            _refuse_unseen(user, lines=entry["lines"], place=f"entries[{number}].")
        entries = [
            ProposedEntry(type="journal", **{**entry, "lines": [_line(line) for line in entry["lines"]]}) for entry in body["entries"]
        ]
        if is_dry:
            lines = [line for entry in entries for line in entry.lines]
            answer = {"effects": queries.effects_of(lines=lines), "problems": problems_of(entries)}
            return Response(serializers.EffectsOfJournal(answer).data)
        wish = JournalRequest(
            journal_id=_journal_id(request), entries=entries, reason_code=body["reason_code"], narrative=body["narrative"]
        )
        proposal = propose_journal(request=wish, maker_id=user.pk)
        return Response(proposal_in_full(request, proposal_id=proposal.pk), status=ACCEPTED)


def _journal_id(request: Request) -> UUID:
    """Return the id that the caller's key stands for."""
    key = request.headers.get("Idempotency-Key", "")
    if not 1 <= len(key) <= 200:
        raise DraftRefused("send a header Idempotency-Key of 1 to 200 characters: it makes a retry safe", field="Idempotency-Key")
    return uuid5(NAMESPACE_OID, f"ledger.journal/{request.user.pk}/{key}")


def _refuse_unseen(user: User, *, lines: Sequence[Mapping[str, Any]], place: str) -> None:
    try:
        queries.refuse_unseen_accounts(user, codes=[line["account"] for line in lines])
    except queries.AccountNotFound as refusal:
        raise queries.AccountNotFound(str(refusal), field=f"{place}{refusal.field}") from None


def _line(line: Mapping[str, Any]) -> Line:
    return Line(account=line["account"], direction=line["direction"], amount_minor=line["amount"], asset=line["asset"])


class Reversals(APIView):
    required_permissions = {"POST": "ledger.propose_entry"}

    @extend_schema(
        summary="Propose to undo an entry, in full or in part",
        description="Each leg can be undone up to what is left of it; 409 `entry_not_reversible` if nothing is.",
        request=serializers.ReversalBody,
        responses={ACCEPTED: ProposalDetailFields},
    )
    def post(self, request: Request, entry_id: UUID) -> Response:
        user = user_of(request)
        entry = queries.entry_for(user, entry_id=entry_id)
        body = said(request, serializers.ReversalBody)
        amounts = {(one["account"], one["direction"]): one["amount"] for one in body["amounts"]} if "amounts" in body else None
        wish = ReversalRequest(
            entry_id=entry.pk,
            amounts=amounts,
            effective_date=body["effective_date"],
            reason_code=body["reason_code"],
            narrative=body["narrative"],
        )
        proposal = propose_reversal(request=wish, maker_id=user.pk)
        return Response(proposal_in_full(request, proposal_id=proposal.pk), status=ACCEPTED)


class Openings(APIView):
    required_permissions = {"POST": "ledger.propose_entry"}

    @extend_schema(
        summary="Propose the opening balances of an entity and its open items",
        description="409 `books_have_begun` if the entity has entries up to the cutover date.",
        request=serializers.CutoverBody,
        responses={ACCEPTED: ProposalDetailFields},
    )
    def post(self, request: Request) -> Response:
        user = user_of(request)
        body = said(request, serializers.CutoverBody)
        items = body.get("open_items", [])
        _refuse_unseen(user, lines=body["balances"], place="balances.")
        _refuse_unseen(user, lines=items, place="open_items.")
        opened = [
            OpenItem(
                line=_line(item),
                reference=item["reference"],
                on=item["date"],
                description=item.get("description", f"Open item {item['reference']}"),
            )
            for item in items
        ]
        balances = [_line(line) for line in body["balances"]]
        day = body["cutover_date"]
        wish = OpeningRequest(
            entity=body["entity"],
            cutover_date=day,
            entries=opening_entries(entity=body["entity"], cutover_date=day, balances=balances, items=opened),
            open_items=len(opened),
            reason_code=body["reason_code"],
            narrative=body["narrative"],
        )
        proposal = propose_opening(request=wish, maker_id=user.pk)
        return Response(proposal_in_full(request, proposal_id=proposal.pk), status=ACCEPTED)


@extend_schema_view(get=extend_schema(summary="List recurring entries, newest first"))
class RecurringEntries(ListAPIView[RecurringEntry]):
    required_permissions = {"GET": "ledger.view_recurringentry", "POST": "ledger.propose_entry"}
    serializer_class = serializers.RecurringFields
    ordering = ("-id",)

    def get_queryset(self) -> QuerySet[RecurringEntry]:
        asked(self.request)
        return recurring_for(user_of(self.request)).order_by("-id")

    @extend_schema(
        summary="Propose an entry that comes again",
        description="Approved, it posts itself on each of its days and, where it accrues, undoes each in the following period.",
        request=serializers.RecurringBody,
        responses={ACCEPTED: ProposalDetailFields},
    )
    def post(self, request: Request) -> Response:
        user = user_of(request)
        body = said(request, serializers.RecurringBody)
        _refuse_unseen(user, lines=body["lines"], place="")
        wish = RecurringRequest(**{**body, "lines": [_line(line) for line in body["lines"]]})
        proposal = propose_recurring(request=wish, maker_id=user.pk)
        return Response(proposal_in_full(request, proposal_id=proposal.pk), status=ACCEPTED)


class RecurringStop(APIView):
    required_permissions = {"POST": "ledger.propose_entry"}

    @extend_schema(
        summary="Stop a recurring entry at once",
        description="One person is enough. What was posted still undoes itself; starting it again is a new proposal.",
        request=serializers.StopBody,
        responses=serializers.RecurringFields,
    )
    def post(self, request: Request, code: str) -> Response:
        rule = recurring_of(user_of(request), code=code)
        stop_recurring(code=rule.code, reason=said(request, serializers.StopBody)["reason"])
        return Response(serializers.RecurringFields(recurring_of(user_of(request), code=code)).data)
