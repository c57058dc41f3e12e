"""An account's balances at any time and its statement over REST."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ledger import queries
from ledger.models import Account, Direction
from ledger.queries import balances
from ledger.queries.statement import Movement, statement_page
from ledger.queries.statement_legs import Order, Place, View, cursor_of, place_from, view_of
from ledgerops.lib.api import PAGE_MAXIMUM, AmountField, Body, MinorField, asked, user_of
from ledgerops.lib.paging import PAGE_SIZE

EXPLAINED = 100
_PAGE = [
    OpenApiParameter("after", OpenApiTypes.STR, description="cursor, as `next` carries it"),
    OpenApiParameter("limit", OpenApiTypes.INT, description=f"rows on a page, 1 to {PAGE_MAXIMUM}"),
]


class BalanceAsked(Body):
    as_of = serializers.DateField(required=False, help_text="an effective date, its end; every date if left out")
    known_at = serializers.DateTimeField(required=False, help_text="what was recorded by this instant; now if left out")


class StatementAsked(BalanceAsked):
    order = serializers.ChoiceField(choices=[order.value for order in Order], default=Order.RECORD.value)
    rows = serializers.ChoiceField(choices=["movements", "postings"], default="movements", help_text="what one row is")


class CurrentBalance(serializers.Serializer[Any]):
    posted_minor = MinorField()
    pending_out_minor = MinorField(help_text="held, not yet posted")
    pending_in_minor = MinorField(help_text="promised; it never raises what is available")
    available_minor = MinorField(help_text="posted less pending outflow, plus the overdraft allowed")
    waiting = serializers.IntegerField(help_text="legs of a deferred account without a place yet; the sums include them")


class LatePosting(serializers.Serializer[Any]):
    entry_id = serializers.UUIDField()
    entry_number = serializers.CharField(source="public_number")
    effective_date = serializers.DateField()
    posted_at = serializers.DateTimeField()
    description = serializers.CharField()
    direction = serializers.ChoiceField(choices=Direction.choices)
    amount = AmountField(source="amount_minor")


class BalanceFields(serializers.Serializer[Any]):
    account = serializers.CharField()
    asset = serializers.CharField()
    scale = serializers.IntegerField()
    current = CurrentBalance()
    as_of = serializers.DateField(allow_null=True)
    known_at = serializers.DateTimeField(allow_null=True)
    balance_minor = MinorField(help_text="on the normal side, as of the date and as known at the instant")
    debits_minor = MinorField()
    credits_minor = MinorField()
    now_minor = MinorField(help_text="the same date as it is known now")
    difference_minor = MinorField(help_text="what was recorded since the instant")
    recorded_minor = MinorField(help_text="the balance in the order of record at the instant, whatever the dates", allow_null=True)
    explained_by = LatePosting(many=True, help_text="the latest postings that make the difference")
    explained_in_full = serializers.BooleanField(help_text=f"false where more than {EXPLAINED} make it")


class StatementPosting(serializers.Serializer[Any]):
    account_seq = serializers.IntegerField(help_text="place in the account's own order, from 1 and without gaps")
    entry_id = serializers.UUIDField()
    entry_number = serializers.CharField()
    line = serializers.IntegerField()
    type = serializers.CharField()
    effective_date = serializers.DateField()
    posted_at = serializers.DateTimeField()
    description = serializers.CharField()
    reference = serializers.CharField()
    direction = serializers.ChoiceField(choices=Direction.choices)
    amount = AmountField()
    asset = serializers.CharField()
    balance_after_minor = MinorField(help_text="on the normal side in the order of record")


class StatementRow(serializers.Serializer[Any]):
    debit_minor = MinorField()
    credit_minor = MinorField()
    balance_minor = MinorField(help_text="after the row's latest posting, in the order asked for")
    settlement = serializers.CharField()
    hold_id = serializers.UUIDField(allow_null=True, help_text="the hold whose captures these are")
    postings = StatementPosting(many=True, help_text="of one movement, oldest first")


class StatementPageFields(serializers.Serializer[Any]):
    results = StatementRow(many=True)
    next = serializers.URLField(allow_null=True, help_text="the next page; null on the last")


class PostingsPage(serializers.Serializer[Any]):
    results = StatementPosting(many=True)
    next = serializers.URLField(allow_null=True, help_text="the next page; null on the last")


class AccountBalance(APIView):
    required_permissions = {"GET": "ledger.view_account"}

    @extend_schema(
        summary="Read an account's balance at any time",
        description="Now, as of an effective date, as it was known at an instant, or both; with the postings that make the difference.",
        parameters=[BalanceAsked],
        responses=BalanceFields,
    )
    def get(self, request: Request, code: str) -> Response:
        account = queries.account_for(user_of(request), code=code)
        wanted = asked(request, BalanceAsked)
        as_of, known_at = wanted.get("as_of"), wanted.get("known_at")
        recorded = None
        if known_at is None:
            sums = balances.balances_as_of(account_ids=[account.pk], as_of=as_of or date.max)[account.pk]
            found = balances.Difference(now=sums, known=sums, late=[], more=False)
        else:
            recorded = balances.balances_recorded_at(account_ids=[account.pk], recorded_at=known_at)[account.pk]
            found = balances.difference_of(
                account_id=account.pk, as_of=as_of or date.max, known_at=known_at, after=recorded.account_seq, size=EXPLAINED
            )
        known, now = found.known.on_side_of(account), found.now.on_side_of(account)
        answer = {
            "account": account.code,
            "asset": account.asset.code,
            "scale": account.asset.scale,
            "current": balances.current_balance(account),
            "as_of": as_of,
            "known_at": known_at,
            "balance_minor": known,
            "debits_minor": found.known.debits_minor,
            "credits_minor": found.known.credits_minor,
            "now_minor": now,
            "difference_minor": now - known,
            "recorded_minor": recorded.balance_minor if recorded else None,
            "explained_by": found.late,
            "explained_in_full": not found.more,
        }
        return Response(BalanceFields(answer).data)


class AccountStatement(APIView):
    required_permissions = {"GET": "ledger.view_account"}

    @extend_schema(
        summary="Read an account's statement, newest first",
        description=(
            "In the order of record or by effective date, up to a date (by effective date only) and as known at an instant. One row is a "
            "movement (an entry's legs on the account, the captures of one hold, an entry and its reversals), or one posting."
        ),
        parameters=[StatementAsked, *_PAGE],
        responses=StatementPageFields,
    )
    def get(self, request: Request, code: str) -> Response:
        account = queries.account_for(user_of(request), code=code)
        wanted = asked(request, StatementAsked)
        view = view_of(account=account, order=Order(wanted["order"]), as_of=wanted.get("as_of"), known_at=wanted.get("known_at"))
        rows, older = _page(request, view=view, folded=wanted["rows"] == "movements")
        results = [
            {
                "debit_minor": row.debit_minor,
                "credit_minor": row.credit_minor,
                "balance_minor": row.balance_minor,
                "settlement": row.settlement,
                "hold_id": row.hold.pk if row.hold else None,
                "postings": _postings(account, rows=[row]),
            }
            for row in rows
        ]
        return Response(StatementPageFields({"results": results, "next": _next(request, view=view, older=older)}).data)


class AccountPostings(APIView):
    required_permissions = {"GET": "ledger.view_account"}

    @extend_schema(summary="List an account's postings, newest first", parameters=_PAGE, responses=PostingsPage)
    def get(self, request: Request, code: str) -> Response:
        account = queries.account_for(user_of(request), code=code)
        asked(request)
        view = view_of(account=account, order=Order.RECORD)
        rows, older = _page(request, view=view, folded=False)
        answer = {"results": _postings(account, rows=rows), "next": _next(request, view=view, older=older)}
        return Response(PostingsPage(answer).data)


def _page(request: Request, *, view: View, folded: bool) -> tuple[Sequence[Movement], Place | None]:
    cursor = request.query_params.get("after")
    after = None if cursor is None else place_from(view, cursor)
    if cursor is not None and after is None:
        raise serializers.ValidationError({"after": "this is not the cursor of a page of this list"})
    text = request.query_params.get("limit", str(PAGE_SIZE))
    if not (text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= PAGE_MAXIMUM):
        raise serializers.ValidationError({"limit": f"a whole number from 1 to {PAGE_MAXIMUM}"})
    page = statement_page(view, after=after, size=int(text), folded=folded)
    return page.movements, page.older


def _next(request: Request, *, view: View, older: Place | None) -> str | None:
    if older is None:
        return None
    query = request.query_params.copy()
    query["after"] = cursor_of(view, older)
    return request.build_absolute_uri(f"?{query.urlencode()}")


def _postings(account: Account, *, rows: Sequence[Movement]) -> list[dict[str, Any]]:
    return [
        {
            "account_seq": part.leg.account_seq,
            "entry_id": part.leg.entry_id,
            "entry_number": part.entry.public_number,
            "line": part.leg.line,
            "type": part.entry.type.code,
            "effective_date": part.leg.effective_date,
            "posted_at": part.entry.posted_at,
            "description": part.entry.description,
            "reference": part.entry.reference,
            "direction": part.leg.direction,
            "amount": part.leg.amount_minor,
            "asset": account.asset.code,
            "balance_after_minor": part.leg.balance_after_minor,
        }
        for row in rows
        for part in row.parts
    ]
