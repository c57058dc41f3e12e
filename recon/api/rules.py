"""Reconciliations that are set up, their rules, and what runs did by them, over REST."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from approvals.api.serializers import ProposalDetailFields
from approvals.api.shown import proposal_in_full, user_of
from approvals.models import User
from ledger.queries import AccountNotFound, account_for
from ledgerops.lib.api import asked, said
from recon import operations, queries, reconciliation_queries, rule_queries, source_queries
from recon.api import rule_serializers as fields
from recon.api import serializers, views
from recon.models import RulesVersion
from recon.operations import NewPopulation
from recon.operations.backtests import back_test, summary_of

BACK_TESTED = timedelta(days=90)
COMPARED_SHOWN = 500


class Reconciliations(views.Reconciliations):
    required_permissions = {"GET": "recon.view_run", "POST": "recon.define_reconciliation"}

    @extend_schema(
        summary="Set up a reconciliation of two to six populations",
        description="Matched by the standard rules until others are approved. 422 `reconciliation_invalid` names the field that is wrong.",
        request=fields.NewReconciliationBody,
        responses={201: fields.ReconciliationDetailFields},
    )
    def post(self, request: Request) -> Response:
        user = user_of(request)
        body = said(request, fields.NewReconciliationBody)
        for number, one in enumerate(body["populations"]):
            _refuse_unseen(user, one, path=f"populations.{number}")
        populations = [NewPopulation(**one) for one in body.pop("populations")]
        defined = operations.define_reconciliation(**body, populations=populations, defined_by_id=user.pk)
        return Response(_in_full(user, pk=defined.pk), status=201)


def _refuse_unseen(user: User, one: dict[str, Any], *, path: str) -> None:
    """Refuse what the caller does not see as what is not there."""
    if one["source"]:
        try:
            source_queries.source_for(user, code=one["source"])
        except queries.SourceNotFound as refusal:
            raise queries.SourceNotFound(str(refusal), field=f"{path}.source") from refusal
    for code in one["accounts"]:
        try:
            account_for(user, code=code)
        except AccountNotFound as refusal:
            raise AccountNotFound(str(refusal), field=f"{path}.accounts") from refusal


class ReconciliationDetail(APIView):
    required_permissions = {"GET": "recon.view_run"}

    @extend_schema(
        summary="Read a reconciliation: its populations, what is open in each, how well it is matched",
        responses=fields.ReconciliationDetailFields,
    )
    def get(self, request: Request, reconciliation_id: int) -> Response:
        return Response(_in_full(user_of(request), pk=reconciliation_id))


@extend_schema_view(get=extend_schema(summary="List the versions of a reconciliation's rules, newest first"))
class RulesVersions(ListAPIView[RulesVersion]):
    required_permissions = {"GET": "recon.view_run", "POST": "recon.define_reconciliation"}
    serializer_class = fields.RulesFields
    ordering = ("-number",)

    def get_queryset(self) -> QuerySet[RulesVersion]:
        asked(self.request)
        return rule_queries.versions_of(queries.reconciliation_for(user_of(self.request), pk=self.kwargs["reconciliation_id"]))

    @extend_schema(
        summary="Draft a version of the rules",
        description="Matches nothing before a second person has approved it. 422 `rules_invalid` names what is wrong.",
        request=fields.RulesBody,
        responses={201: fields.RulesFields},
    )
    def post(self, request: Request, reconciliation_id: int) -> Response:
        user = user_of(request)
        found = queries.reconciliation_for(user, pk=reconciliation_id)
        version = operations.draft_rules(reconciliation_id=found.pk, **said(request, fields.RulesBody), drafted_by_id=user.pk)
        return Response(fields.RulesFields(rule_queries.rules_for(found, number=version.number)).data, status=201)


class RulesTrial(APIView):
    required_permissions = {"POST": "recon.define_reconciliation"}

    @extend_schema(
        summary="Try rules on what is open, or back-test them on what was decided; nothing is kept",
        request=fields.TrialBody,
        responses=fields.RulesTrialFields,
    )
    def post(self, request: Request, reconciliation_id: int) -> Response:
        found = queries.reconciliation_for(user_of(request), pk=reconciliation_id)
        body = said(request, fields.TrialBody)
        rules, since = operations.checked_rules(body["definition"]), body["since"]
        outcome = back_test(reconciliation=found, rules=rules, since=since, decided=since is not None)
        return Response(fields.RulesTrialFields(summary_of(outcome, since=since)).data)


class RulesDetail(APIView):
    required_permissions = {"GET": "recon.view_run"}

    @extend_schema(summary="Read a version of the rules", responses=fields.RulesFields)
    def get(self, request: Request, reconciliation_id: int, number: int) -> Response:
        found = queries.reconciliation_for(user_of(request), pk=reconciliation_id)
        return Response(fields.RulesFields(rule_queries.rules_for(found, number=number)).data)


class RulesSubmission(APIView):
    required_permissions = {"POST": "recon.define_reconciliation"}

    @extend_schema(
        summary="Ask a second person to put one's own draft in force",
        description="It is back-tested, and what comes of that is shown to whoever decides.",
        request=fields.SubmitRulesBody,
        responses={201: ProposalDetailFields},
    )
    def post(self, request: Request, reconciliation_id: int, number: int) -> Response:
        user = user_of(request)
        version = rule_queries.rules_for(queries.reconciliation_for(user, pk=reconciliation_id), number=number)
        body = said(request, fields.SubmitRulesBody)
        since = body.pop("since") or timezone.localdate() - BACK_TESTED
        proposal = operations.submit_rules(rules_id=version.pk, **body, maker_id=user.pk, since=since)
        return Response(proposal_in_full(request, proposal_id=proposal.pk), status=201)


class RunPasses(APIView):
    required_permissions = {"GET": "recon.view_run"}

    @extend_schema(operation_id="runs_passes", summary="Read what each pass of a run did", responses=fields.PassFields(many=True))
    def get(self, request: Request, run_id: UUID) -> Response:
        run = queries.run_for(user_of(request), run_id=run_id)
        return Response(fields.PassFields(reconciliation_queries.passes_of(run), many=True).data)


class RunCancellation(APIView):
    required_permissions = {"POST": "recon.run_reconciliation"}

    @extend_schema(
        summary="Cancel a run",
        description="At once where it waits, else after the pass that it is at; what it has matched stands. 409 if it has ended.",
        request=None,
        responses=serializers.RunFields,
    )
    def post(self, request: Request, run_id: UUID) -> Response:
        user = user_of(request)
        run = queries.run_for(user, run_id=run_id)
        operations.cancel_run(run_id=run.pk, asked_by_id=user.pk)
        return Response(serializers.RunFields(queries.run_for(user, run_id=run_id)).data)


class RunComparison(APIView):
    required_permissions = {"GET": "recon.view_run"}

    @extend_schema(
        summary="Compare what stood matched at the end of two runs",
        description="Of each kind the first 500. 409 where they are of two reconciliations, or one has not ended.",
        responses=fields.ComparisonFields,
    )
    def get(self, request: Request, run_id: UUID, later_id: UUID) -> Response:
        user = user_of(request)
        found = reconciliation_queries.compared_runs(queries.run_for(user, run_id=run_id), queries.run_for(user, run_id=later_id))
        shown = {
            "same": found.same,
            "added": found.added[:COMPARED_SHOWN],
            "lost": found.lost[:COMPARED_SHOWN],
            "changed": [{"before": before, "after": after} for before, after in found.changed[:COMPARED_SHOWN]],
        }
        return Response(fields.ComparisonFields(shown).data)


def _in_full(user: User, *, pk: int) -> dict[str, Any]:
    found = queries.reconciliation_for(user, pk=pk)
    (row,) = rule_queries.rule_rows([found])
    populations = reconciliation_queries.populations_of([found])[found.pk]
    return {
        **fields.SetUpFields(found).data,
        "populations": fields.PopulationFields(populations, many=True).data,
        "matched_items": row.matched,
        "items": row.items,
        "matches_made": row.made,
        "matches_undone": row.undone,
        "demoted_passes": list(row.demoted),
    }
