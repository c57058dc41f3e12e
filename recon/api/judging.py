"""What runs suggest and why they did not match, over REST: asking, accepting, dismissing, keeping apart, undoing."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from approvals.api.shown import user_of
from ledgerops.lib.api import said
from recon import break_queries, operations, queries
from recon.api import judging_serializers, serializers
from recon.api.shown import why_in_full


class BreakWhy(APIView):
    required_permissions = {"GET": "recon.view_break"}

    @extend_schema(
        summary="Ask why a break was not matched: for each pass the nearest candidate and the criterion that failed",
        responses=judging_serializers.AnswerFields(many=True),
    )
    def get(self, request: Request, break_id: UUID) -> Response:
        return Response(judging_serializers.AnswerFields(why_in_full(user_of(request), break_id=break_id), many=True).data)


class NeverMatches(APIView):
    required_permissions = {"POST": "recon.match_items"}

    @extend_schema(
        summary="Keep two items apart until a date",
        description="No run matches or suggests them together until then. One of them must be an item of this break.",
        request=judging_serializers.NeverMatchBody,
        responses={204: None},
    )
    def post(self, request: Request, break_id: UUID) -> Response:
        user = user_of(request)
        recon_break = queries.break_for(user, break_id=break_id)
        body = said(request, judging_serializers.NeverMatchBody)
        if not {recon_break.ledger_item_id, recon_break.statement_item_id} & set(body["item_ids"]):
            raise operations.SuggestionInvalid("one of the items must be this break's", field="item_ids")
        operations.never_match(item_ids=body["item_ids"], said_by_id=user.pk, reason=body["reason"], until=body["until"])
        return Response(status=204)


class SuggestionAcceptance(APIView):
    required_permissions = {"POST": "recon.match_items"}

    @extend_schema(
        summary="Make a match of a suggestion",
        description="All its items must still be open: 409 `match_refused` if one is not, 409 `suggestion_refused` if it has an end.",
        request=None,
        responses={201: serializers.MatchFields},
    )
    def post(self, request: Request, suggestion_id: UUID) -> Response:
        user = user_of(request)
        suggestion = break_queries.suggestion_for(user, suggestion_id=suggestion_id)
        match = operations.accept_suggestion(suggestion_id=suggestion.pk, accepted_by_id=user.pk)
        return Response(serializers.MatchFields(break_queries.match_for(user, match_id=match.pk)).data, status=201)


class SuggestionDismissal(APIView):
    required_permissions = {"POST": "recon.match_items"}

    @extend_schema(
        summary="Dismiss a suggestion: its sides are kept apart until a date", request=judging_serializers.ApartBody, responses={204: None}
    )
    def post(self, request: Request, suggestion_id: UUID) -> Response:
        user = user_of(request)
        suggestion = break_queries.suggestion_for(user, suggestion_id=suggestion_id)
        body = said(request, judging_serializers.ApartBody)
        operations.dismiss_suggestion(suggestion_id=suggestion.pk, dismissed_by_id=user.pk, reason=body["reason"], until=body["until"])
        return Response(status=204)


class MatchUndoings(APIView):
    required_permissions = {"POST": "recon.undo_match"}

    @extend_schema(
        summary="Undo a match",
        description=(
            "Its items are open again and the breaks it closed live again. 409 `undo_refused` for one that is older than 90 days, "
            "of a period that is not open, made by an adjustment, or undone already."
        ),
        request=judging_serializers.UndoBody,
        responses={204: None},
    )
    def post(self, request: Request, match_id: UUID) -> Response:
        user = user_of(request)
        match = break_queries.match_for(user, match_id=match_id)
        operations.undo_match(match_id=match.pk, undone_by_id=user.pk, reason=said(request, judging_serializers.UndoBody)["reason"])
        return Response(status=204)


class ChallengeVerdict(APIView):
    required_permissions = {"POST": "recon.work_break"}

    @extend_schema(
        summary="Say what was found about a match that something later would have made ambiguous",
        request=judging_serializers.VerdictBody,
        responses={204: None},
    )
    def post(self, request: Request, challenge_id: int) -> Response:
        user = user_of(request)
        challenge = break_queries.challenge_for(user, challenge_id=challenge_id)
        verdict = said(request, judging_serializers.VerdictBody)["verdict"]
        operations.see_challenge(challenge_id=challenge.pk, seen_by_id=user.pk, verdict=verdict)
        return Response(status=204)
