"""The registry over REST: transactions, batches, dry runs, status reports, holds, conversions and types."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, PolymorphicProxySerializer, extend_schema, extend_schema_view
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ledger import operations
from ledger.api import registry_serializers as shapes
from ledger.api.requests import draft_of, drafts_of, key_of, scope_of
from ledger.conversion import Rounding
from ledger.models import Hold, KeyUse, Transaction, TransactionType
from ledger.operations.posting import Posted, refusal_of
from ledger.queries import registry, transaction_types
from ledger.queries.answers import told, told_to
from ledgerops.lib.api import asked, said, user_of
from ledgerops.lib.api_edge import BatchJSONParser

REPLAYED = "Idempotent-Replayed"
_KEY = OpenApiParameter("Idempotency-Key", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True, description="1 to 200 characters")
_DONE = {
    201: OpenApiResponse(shapes.TransactionFields, description="recorded"),
    200: OpenApiResponse(shapes.TransactionFields, description="recorded before under this key"),
}


@extend_schema_view(get=extend_schema(summary="List transactions, newest first", parameters=[shapes.TransactionFilters]))
class Transactions(ListAPIView[Transaction]):
    required_permissions = {"GET": "ledger.view_transaction", "POST": "ledger.record_transaction"}
    serializer_class = shapes.TransactionHead
    ordering = ("-id",)

    def get_queryset(self) -> QuerySet[Transaction]:
        wanted = asked(self.request, shapes.TransactionFilters)
        minor = wanted.pop("amount", None)
        return registry.narrowed(registry.transactions_for(user_of(self.request)), wanted=registry.Wanted(amount_minor=minor, **wanted))

    @extend_schema(
        summary="Record a transaction",
        description=(
            "Posts one balanced entry by the transaction type's rules, from its `lines` or from the `parameters` of the rule; with "
            "`initiate` it is kept and posts nothing yet. The same key with the same content answers 200 with the original "
            f"and the header `{REPLAYED}: true`; with other content 409 `idempotency_key_reused`. A refusal of the books is remembered "
            "with its key, too."
        ),
        parameters=[_KEY],
        request=shapes.TransactionBody,
        responses=_DONE,
    )
    def post(self, request: Request) -> Response:
        draft = draft_of(request, said(request, shapes.TransactionBody), key=key_of(request))
        posted = operations.record_transaction(draft=draft, scope=scope_of(request))
        return _recorded(request, posted, seen={line.account for line in draft.lines})


class TransactionDetail(APIView):
    required_permissions = {"GET": "ledger.view_transaction"}

    @extend_schema(summary="Read a transaction with its entry, events and children", responses=shapes.TransactionDetail)
    def get(self, request: Request, transaction_id: UUID) -> Response:
        transaction = registry.transaction_for(user_of(request), transaction_id=transaction_id)
        children = registry.transactions_for(user_of(request)).filter(parent=transaction).order_by("id")
        became = {
            **told(transaction_id=transaction.pk),
            "events": shapes.TransactionEventFields(registry.events_of(transaction), many=True).data,
        }
        return Response({**became, "children": shapes.TransactionHead(children, many=True).data})


class TransactionPost(APIView):
    required_permissions = {"POST": "ledger.record_transaction"}

    @extend_schema(
        summary="Post what was initiated",
        description="Posts what the transaction asked for. Once it is posted, asking again answers the same.",
        request=None,
        responses=shapes.TransactionFields,
    )
    def post(self, request: Request, transaction_id: UUID) -> Response:
        kept = registry.transaction_for(user_of(request), transaction_id=transaction_id)
        operations.post_initiated(transaction_id=kept.pk, actor_id=request.user.pk, request_id=getattr(request, "request_id", ""))
        return Response(told_to(user_of(request), transaction_id=kept.pk))


class TransactionEvents(APIView):
    required_permissions = {"POST": "ledger.record_status"}

    @extend_schema(
        summary="Report what became of a transaction",
        description=(
            "`applied` moved the axis along a declared arrow; `late` and `duplicate` changed nothing; `conflict` is impossible, changed "
            "nothing, and is kept for reconciliation with an alert. A report that an initiated transaction has posted posts it. Each event "
            "id of a source counts once; used for something else it answers 409 `source_event_reused`."
        ),
        request=shapes.StatusBody,
        responses={
            201: OpenApiResponse(shapes.StatusAnswer, description="kept"),
            200: OpenApiResponse(shapes.StatusAnswer, description="delivered before"),
        },
    )
    def post(self, request: Request, transaction_id: UUID) -> Response:
        about = registry.transaction_for(user_of(request), transaction_id=transaction_id)
        outcome = operations.report_status(transaction_id=about.pk, actor_id=request.user.pk, **said(request, shapes.StatusBody))
        after = registry.transaction_for(user_of(request), transaction_id=about.pk)
        answer = shapes.StatusAnswer({"outcome": outcome, "transaction": after}).data
        return Response(answer, status=200 if outcome == "duplicate" else 201)


class TransactionBatch(APIView):
    required_permissions = {"POST": "ledger.record_transaction"}
    parser_classes = [BatchJSONParser]

    @extend_schema(
        summary="Record up to 10,000 transactions",
        description=(
            "Each item has its own key. `atomic: false` posts each on its own and answers what became of each; `atomic: true` posts all or "
            "answers 409 `batch_refused` naming those that the books refuse. An item that is not valid, or names an account out of sight, "
            "refuses the whole batch before anything is posted, and `field` says which: `items[3].lines[1].amount`. History is imported "
            "this way too, with its own effective dates in open periods."
        ),
        request=shapes.BatchBody,
        responses=shapes.BatchAnswer,
    )
    def post(self, request: Request) -> Response:
        body = said(request, shapes.BatchBody)
        drafts = drafts_of(request, body["items"])
        results = operations.record_batch(drafts=drafts, scope=scope_of(request), atomic=body["atomic"])
        return Response(_batch(results, atomic=body["atomic"]))


class TransactionDryRun(APIView):
    required_permissions = {"POST": "ledger.record_transaction"}
    parser_classes = [BatchJSONParser]

    @extend_schema(
        summary="Try one transaction or a batch, and leave nothing",
        description=(
            "Takes what `POST /transactions` takes, or a batch with `items`, posts it, answers what became of it, and rolls it back: no "
            "key is used, no refusal remembered. Done in earnest, only ids, entry numbers and instants are others."
        ),
        request=PolymorphicProxySerializer("DryRunBody", [shapes.TransactionBody, shapes.BatchBody], resource_type_field_name=None),
        responses=PolymorphicProxySerializer("DryRunAnswers", [shapes.DryRunAnswer, shapes.BatchAnswer], resource_type_field_name=None),
    )
    def post(self, request: Request) -> Response:
        scope = scope_of(request)
        if isinstance(request.data, Mapping) and "items" in request.data:
            body = said(request, shapes.BatchBody)
            drafts, atomic = drafts_of(request, body["items"]), body["atomic"]
            return Response(
                operations.dry_run(drafts=drafts, scope=scope, atomic=atomic, reading=lambda results: _batch(results, atomic=atomic))
            )
        # What is only tried needs no key of the caller's; given, it is tried with it.
        key = request.headers.get("Idempotency-Key") or "dry-run"
        draft = draft_of(request, said(request, shapes.TransactionBody), key=key)
        return Response(operations.dry_run(drafts=[draft], scope=scope, reading=lambda results: _tried(request, results)))


@extend_schema_view(get=extend_schema(summary="List holds, newest first", parameters=[shapes.HoldFilters]))
class Holds(ListAPIView[Hold]):
    required_permissions = {"GET": "ledger.view_hold", "POST": "ledger.manage_hold"}
    serializer_class = shapes.HoldFields
    ordering = ("-transaction_id",)

    def get_queryset(self) -> QuerySet[Hold]:
        wanted = asked(self.request, shapes.HoldFilters)
        holds = registry.holds_for(user_of(self.request))
        if "account" in wanted:
            holds = holds.filter(account__code=wanted["account"])
        return holds.filter(closed_at__isnull=wanted["open"]) if "open" in wanted else holds

    @extend_schema(
        summary="Set money of an account aside",
        description="The same key with the same content answers 200 with the original. A refusal is remembered with its key.",
        parameters=[_KEY],
        request=shapes.HoldBody,
        responses={
            201: OpenApiResponse(shapes.HoldDetailFields, description="placed"),
            200: OpenApiResponse(shapes.HoldDetailFields, description="placed before under this key"),
        },
    )
    def post(self, request: Request) -> Response:
        body = said(request, shapes.HoldBody)
        registry.refuse_unseen(user_of(request), named=[("account", body["account"])])
        amount = body.pop("amount")
        answer = operations.place_hold(
            request=operations.HoldRequest(key=key_of(request), amount_minor=amount, **body),
            scope=scope_of(request),
            actor_id=request.user.pk,
            request_id=getattr(request, "request_id", ""),
        )
        return _held(request, answer, status=201)


class HoldDetail(APIView):
    required_permissions = {"GET": "ledger.view_hold"}

    @extend_schema(summary="Read a hold and what happened to it", responses=shapes.HoldDetailFields)
    def get(self, request: Request, hold_id: UUID) -> Response:
        return Response(_hold_told(registry.hold_for(user_of(request), hold_id=hold_id)))


class HoldCapture(APIView):
    required_permissions = {"POST": "ledger.manage_hold"}

    @extend_schema(
        summary="Take from a hold by a posting",
        description="Posts a transaction whose legs move the held account; `final` gives back what the hold keeps after it.",
        parameters=[_KEY],
        request=shapes.CaptureBody,
        responses=_DONE,
    )
    def post(self, request: Request, hold_id: UUID) -> Response:
        held = registry.hold_for(user_of(request), hold_id=hold_id)
        body = said(request, shapes.CaptureBody)
        asked_for = {**body, "entity": held.transaction.entity.code if held.transaction.entity else "", "hold": held.pk}
        draft = draft_of(request, asked_for, key=key_of(request))
        posted = operations.record_transaction(draft=draft, scope=scope_of(request))
        return _recorded(request, posted, seen={line.account for line in draft.lines})


class HoldRelease(APIView):
    required_permissions = {"POST": "ledger.manage_hold"}

    @extend_schema(
        summary="Give back what a hold keeps, or a part of it",
        parameters=[_KEY],
        request=shapes.ReleaseBody,
        responses=shapes.HoldDetailFields,
    )
    def post(self, request: Request, hold_id: UUID) -> Response:
        held = registry.hold_for(user_of(request), hold_id=hold_id)
        body = said(request, shapes.ReleaseBody)
        answer = operations.release_hold(
            hold_id=held.pk,
            key=key_of(request),
            scope=scope_of(request),
            amount_minor=body.get("amount"),
            actor_id=request.user.pk,
            request_id=getattr(request, "request_id", ""),
        )
        return _held(request, answer, status=200)


class Conversions(APIView):
    required_permissions = {"POST": "ledger.record_transaction"}

    @extend_schema(
        summary="Convert one asset into another at a quoted rate",
        description=(
            "Works out the integer legs from the quote (docs/ledger/registry.md) and posts them through the positions of the legal entity: "
            "either `spread_bps` or `bought_amount`. The quote stays with the entry as `quote_id`, `rate` and `quoted_at`."
        ),
        parameters=[_KEY],
        request=shapes.ConversionBody,
        responses=_DONE,
    )
    def post(self, request: Request) -> Response:
        body = said(request, shapes.ConversionBody)
        named = [(name, body[name]) for name in ("sold_account", "bought_account", "spread_account") if body[name]]
        registry.refuse_unseen(user_of(request), named=named)
        sold, bought, rounding = body.pop("sold_amount"), body.pop("bought_amount", None), Rounding(body.pop("rounding"))
        wanted = operations.ConversionRequest(
            key=key_of(request),
            sold_minor=sold,
            bought_minor=bought,
            rounding=rounding,
            actor_id=request.user.pk,
            request_id=getattr(request, "request_id", ""),
            **body,
        )
        return _recorded(request, operations.convert(request=wanted, scope=scope_of(request)), seen={code for _, code in named})


@extend_schema_view(get=extend_schema(summary="List the current versions of transaction types"))
class TransactionTypes(ListAPIView[TransactionType]):
    required_permissions = {"GET": "ledger.view_transactiontype", "POST": "ledger.propose_account_change"}
    serializer_class = shapes.TypeFields
    ordering = ("code",)

    def get_queryset(self) -> QuerySet[TransactionType]:
        asked(self.request)
        return transaction_types()

    @extend_schema(
        summary="Propose a transaction type or its next version",
        description="Nothing changes until somebody else approves it; then it is the version that new transactions are posted by.",
        request=shapes.TypeProposalBody,
        responses={201: shapes.TypeProposalAnswer},
    )
    def post(self, request: Request) -> Response:
        proposal = operations.propose_type(maker_id=user_of(request).pk, **said(request, shapes.TypeProposalBody))
        return Response({"proposal_id": proposal.pk, "proposal": proposal.public_number}, status=201)


@extend_schema_view(get=extend_schema(summary="List when idempotency keys came again", parameters=[shapes.KeyUseFilters]))
class KeyUses(ListAPIView[KeyUse]):
    required_permissions = {"GET": "ledger.view_transaction"}
    serializer_class = shapes.KeyUseFields
    ordering = ("-id",)

    def get_queryset(self) -> QuerySet[KeyUse]:
        return registry.key_uses_for(user_of(self.request)).filter(**asked(self.request, shapes.KeyUseFilters))


def _recorded(request: Request, posted: Posted, *, seen: Collection[str]) -> Response:
    """Answer what was recorded; `seen` are the codes of accounts that the caller was found to see."""
    assert posted.entry_id is not None, "what is not recorded is raised"
    became = told_to(user_of(request), transaction_id=posted.entry_id, seen=seen)
    return Response(became, status=200 if posted.replayed else 201, headers={REPLAYED: "true"} if posted.replayed else {})


def _tried(request: Request, results: Sequence[Posted]) -> dict[str, Any]:
    (posted,) = results
    became = told_to(user_of(request), transaction_id=posted.entry_id) if posted.entry_id is not None else None
    return {"result": _result(posted, item=1), "transaction": became}


def _batch(results: Sequence[Posted], *, atomic: bool) -> dict[str, Any]:
    """Return what became of a batch; written without serializers, which take longer than posting."""
    refused = sum(posted.entry_id is None for posted in results)
    return {
        "atomic": atomic,
        "posted": len(results) - refused,
        "refused": refused,
        "results": [_result(posted, item=number) for number, posted in enumerate(results, start=1)],
    }


def _result(posted: Posted, *, item: int) -> dict[str, Any]:
    error = None
    if posted.entry_id is None:
        said_of_it = refusal_of(posted)
        error = {
            "code": said_of_it.code,
            "reason": said_of_it.detail.get("reason"),
            "message": str(said_of_it),
            "field": said_of_it.field,
            "detail": dict(said_of_it.detail),
        }
    return {
        "item": item,
        "key": posted.draft.key,
        "outcome": posted.outcome,
        "id": str(posted.entry_id) if posted.entry_id else None,
        "warnings": dict(posted.detail) or None if posted.entry_id else None,
        "error": error,
    }


def _held(request: Request, answer: operations.HoldAnswer, *, status: int) -> Response:
    held = registry.hold_for(user_of(request), hold_id=answer.hold_id)
    headers = {REPLAYED: "true"} if answer.replayed else {}
    return Response(_hold_told(held), status=200 if answer.replayed else status, headers=headers)


def _hold_told(held: Hold) -> dict[str, Any]:
    return {**shapes.HoldFields(held).data, "events": shapes.HoldEventFields(registry.hold_events_of([held]), many=True).data}
