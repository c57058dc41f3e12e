"""Chain sources over REST: what is followed, how far it is, what moved, what is proven; and pushing for chains of one's own."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from approvals.api.shown import user_of
from ledgerops.lib.api import asked, said
from recon import chain_queries, queries
from recon.api import chain_serializers as serializers
from recon.models import ChainRange, ChainSource, ChainTransfer
from recon.operations.chain_pushes import Outcome, PushedBlock, PushedTransfer, push_blocks, push_transfers
from recon.operations.chain_settings import set_chain
from recon.tasks import ring_chain

PER_ITEM = (
    "Each item is judged by itself; `results` says of each in its order whether it was `stored`, `changed`, `known` from before (the same "
    "again changes nothing) or `refused`, and why. "
)


@extend_schema_view(get=extend_schema(summary="List chain sources and how far they are"))
class Chains(ListAPIView[ChainSource]):
    required_permissions = {"GET": "recon.view_statement", "POST": "recon.register_source"}
    serializer_class = serializers.ChainFields
    ordering = ("source__code",)

    def get_queryset(self) -> QuerySet[ChainSource]:
        asked(self.request)
        return chain_queries.chains_for(user_of(self.request))

    @extend_schema(
        summary="Say what is followed on a chain for a source, or how it is read",
        description="What is followed never changes (409): another contract or address is another source. How it is read may change.",
        request=serializers.ChainBody,
        responses=serializers.ChainFields,
    )
    def post(self, request: Request) -> Response:
        user = user_of(request)
        body = said(request, serializers.ChainBody)
        source = queries.sources_for(user).filter(code=body.pop("source")).first()
        if source is None:
            raise queries.SourceNotFound("there is no such source in your scope", field="source")
        set_chain(source_id=source.pk, set_by_id=user.pk, **body)
        ring_chain(source.pk)
        return Response(serializers.ChainFields(chain_queries.chain_for(user, source_id=source.pk)).data)


class ChainDetail(APIView):
    required_permissions = {"GET": "recon.view_statement"}

    @extend_schema(summary="Read a chain source: head, safe, final, and what stopped it", responses=serializers.ChainFields)
    def get(self, request: Request, code: str) -> Response:
        return Response(serializers.ChainFields(chain_queries.chain_of(user_of(request), code=code)).data)


@extend_schema_view(
    get=extend_schema(summary="List the transfers of a chain source, newest first", parameters=[serializers.ChainTransferFilters])
)
class ChainTransfers(ListAPIView[ChainTransfer]):
    required_permissions = {"GET": "recon.view_statement", "POST": "recon.upload_statement"}
    serializer_class = serializers.ChainTransferFields
    ordering = ("-id",)

    def get_queryset(self) -> QuerySet[ChainTransfer]:
        wanted = asked(self.request, serializers.ChainTransferFilters)
        chain = chain_queries.chain_of(user_of(self.request), code=self.kwargs["code"])
        return chain_queries.transfers_of(chain, stage=wanted.get("stage", ""), counted=wanted.get("counted"))

    @extend_schema(
        summary="Push transfers of a chain of your own",
        description=PER_ITEM + "A transfer stands in a block that was pushed before, and is not taken once that block is proven.",
        request=serializers.TransfersBody,
        responses=serializers.Outcomes,
    )
    def post(self, request: Request, code: str) -> Response:
        chain = chain_queries.chain_of(user_of(request), code=code)
        items = said(request, serializers.TransfersBody)["items"]
        outcomes = push_transfers(source_id=chain.pk, transfers=[PushedTransfer(**item) for item in items])
        return _answer(outcomes)


class ChainBlocks(APIView):
    required_permissions = {"POST": "recon.upload_statement"}

    @extend_schema(
        summary="Push blocks of a chain of your own, and their stages",
        description=PER_ITEM
        + "A stage only rises: seen, safe, final; what is final makes final what is below it. `orphaned` drops a block "
        "with its transfers, never one that was final.",
        request=serializers.BlocksBody,
        responses=serializers.Outcomes,
    )
    def post(self, request: Request, code: str) -> Response:
        chain = chain_queries.chain_of(user_of(request), code=code)
        items = said(request, serializers.BlocksBody)["items"]
        outcomes = push_blocks(source_id=chain.pk, blocks=[PushedBlock(**item) for item in items])
        ring_chain(chain.pk)
        return _answer(outcomes)


@extend_schema_view(get=extend_schema(summary="List the ranges of blocks that balances prove, newest first"))
class ChainRanges(ListAPIView[ChainRange]):
    required_permissions = {"GET": "recon.view_statement"}
    serializer_class = serializers.ChainRangeFields
    ordering = ("-to_block",)

    def get_queryset(self) -> QuerySet[ChainRange]:
        asked(self.request)
        return chain_queries.ranges_of(chain_queries.chain_of(user_of(self.request), code=self.kwargs["code"]))


def _answer(outcomes: list[Outcome]) -> Response:
    shown: dict[str, Any] = {"results": outcomes}
    return Response(serializers.Outcomes(shown).data)
