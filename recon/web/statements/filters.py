"""Filters of the lists of statements and files: the address is the state."""

from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, Q, QuerySet

from recon.models import Channel, FileStatus, ProofStatus, Source, Statement, StatementFile, StatementKind

PROOFS = [(ProofStatus.PROVEN, "Proven"), (ProofStatus.UNPROVEN, "Unproven"), (ProofStatus.NO_BALANCE, "No balance")]
CONTINUITIES = [("gap", "Gap before it"), ("none", "No gap before it")]
KINDS = [
    (StatementKind.STATEMENT, "Statements"),
    (StatementKind.INTRADAY, "Intraday reports"),
    (StatementKind.NOTIFICATION, "Notifications"),
    (StatementKind.REPORT, "Reports"),
]
CHANNELS = [
    (Channel.UPLOAD, "Uploaded"),
    (Channel.FOLDER, "Watched folder"),
    (Channel.API, "API"),
    (Channel.CHAIN, "Chain"),
]
STATUSES = [
    (FileStatus.STORED, "To be read"),
    (FileStatus.RECEIVED, "To be accepted"),
    (FileStatus.ACCEPTED, "Accepted"),
    (FileStatus.REFUSED, "Refused"),
]


class StatementFilter(django_filters.FilterSet):  # type: ignore[misc] # the package is not typed
    """Needs statements with their continuity; `sources` are those that the user sees."""

    q = django_filters.CharFilter(method="search")
    source = django_filters.ModelChoiceFilter(queryset=Source.objects.none())
    proof = django_filters.ChoiceFilter(choices=PROOFS)
    kind = django_filters.ChoiceFilter(choices=KINDS)
    gap = django_filters.ChoiceFilter(choices=CONTINUITIES, method="by_gap")
    since = django_filters.DateFilter(field_name="closing_date", lookup_expr="gte")
    until = django_filters.DateFilter(field_name="closing_date", lookup_expr="lte")

    class Meta:
        model = Statement
        fields: list[str] = []

    def __init__(self, *args: Any, sources: QuerySet[Source], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters["source"].queryset = sources

    def search(self, queryset: QuerySet[Statement], _name: str, value: str) -> QuerySet[Statement]:
        found = Q(number__icontains=value) | Q(file__name__icontains=value) | Q(source__name__icontains=value)
        return queryset.filter(found | Q(source__identifier__icontains=value))

    def by_gap(self, queryset: QuerySet[Statement], _name: str, value: str) -> QuerySet[Statement]:
        return queryset.filter(standing_gap__isnull=value == "none")


class FileFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(method="search")
    status = django_filters.ChoiceFilter(choices=STATUSES)
    channel = django_filters.ChoiceFilter(choices=CHANNELS)
    source = django_filters.ModelChoiceFilter(queryset=Source.objects.none(), method="by_source")

    class Meta:
        model = StatementFile
        fields: list[str] = []

    def __init__(self, *args: Any, sources: QuerySet[Source], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters["source"].queryset = sources

    def by_source(self, queryset: QuerySet[StatementFile], _name: str, value: Source) -> QuerySet[StatementFile]:
        return queryset.filter(Q(source=value) | Exists(Statement.objects.filter(file=OuterRef("pk"), source=value)))

    def search(self, queryset: QuerySet[StatementFile], _name: str, value: str) -> QuerySet[StatementFile]:
        return queryset.filter(Q(name__icontains=value) | Q(sha256__startswith=value.lower()))
