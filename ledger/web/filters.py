"""Filters of the lists of this app: the address is the state."""

import re
from collections.abc import Sequence

import django_filters
from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet

from ledger import queries
from ledger.models import Account, AccountStatus, AccountType, JournalEntry, Origin, OwnerClass, Posting
from ledger.queries import journal
from ledgerops.lib import money

MOST_DECIMALS = 18
_NUMBER = re.compile(r"(?:LE-?)?([0-9]{1,18})", re.IGNORECASE | re.ASCII)


class AmountField(forms.CharField):
    """An amount as people write it; which minor units it says depends on each asset's scale."""

    def clean(self, value: str | None) -> str:
        text: str = super().clean(value)
        if text:
            try:
                money.minor_from_text(text, scale=MOST_DECIMALS, field="amount")
            except money.AmountRefused as refusal:
                raise forms.ValidationError(str(refusal)) from refusal
        return text


class AmountFilter(django_filters.Filter):  # type: ignore[misc] # the package is not typed
    field_class = AmountField


class MetadataField(forms.CharField):
    """A name and its value, as `name=value`."""

    def clean(self, value: str | None) -> str:
        text: str = super().clean(value)
        name, equals, _ = text.partition("=")
        if text and not (name.strip() and equals):
            raise forms.ValidationError(f"Write name=value; {text} is not.")
        return text


class MetadataFilter(django_filters.Filter):  # type: ignore[misc] # the package is not typed
    field_class = MetadataField


def _types() -> Sequence[tuple[str, str]]:
    return list(queries.transaction_types().values_list("code", "name"))


class EntryFilter(django_filters.FilterSet):  # type: ignore[misc] # the package is not typed
    q = django_filters.CharFilter(method="by_text", label="Text")
    since = django_filters.DateFilter(field_name="effective_date", lookup_expr="gte", label="From")
    until = django_filters.DateFilter(field_name="effective_date", lookup_expr="lte", label="To")
    type = django_filters.ChoiceFilter(method="by_type", label="Type", choices=_types)
    origin = django_filters.ChoiceFilter(method="by_origin", label="Origin", choices=Origin.choices)
    account = django_filters.CharFilter(method="by_account", label="Account")
    reference = django_filters.CharFilter(field_name="reference", label="Reference")
    amount = AmountFilter(method="by_amount", label="Amount")
    metadata = MetadataFilter(method="by_metadata", label="Metadata")

    class Meta:
        model = JournalEntry
        fields: tuple[str, ...] = ()

    def by_text(self, queryset: QuerySet[JournalEntry], _name: str, value: str) -> QuerySet[JournalEntry]:
        """Find a number or a whole reference anywhere, and any text in the newest entries of the days that are asked for."""
        text = value.strip()
        number = _NUMBER.fullmatch(text)
        if number and JournalEntry.objects.filter(number=int(number[1])).exists():
            return queryset.filter(number=int(number[1]))
        if JournalEntry.objects.filter(reference=text).exists():
            return queryset.filter(reference=text)
        found = Q(reference__icontains=text) | Q(counterparty__icontains=text) | Q(description__icontains=text)
        return journal.within_window(queryset, days=self.days()).filter(found)

    def days(self) -> Q:
        """Return the condition of the days asked for; empty for all of them."""
        asked = {"effective_date__gte": self.form.cleaned_data.get("since"), "effective_date__lte": self.form.cleaned_data.get("until")}
        return Q(**{lookup: day for lookup, day in asked.items() if day})

    def by_type(self, queryset: QuerySet[JournalEntry], _name: str, value: str) -> QuerySet[JournalEntry]:
        return journal.of_type(queryset, code=value)

    def by_origin(self, queryset: QuerySet[JournalEntry], _name: str, value: str) -> QuerySet[JournalEntry]:
        return journal.of_origin(queryset, origin=value)

    def by_account(self, queryset: QuerySet[JournalEntry], _name: str, value: str) -> QuerySet[JournalEntry]:
        # By its id: how busy the account is decides how its entries are best found.
        account_id = Account.objects.filter(code=value.strip()).values_list("pk", flat=True).first()
        return queryset.filter(Exists(Posting.objects.filter(entry=OuterRef("pk"), account=account_id)))

    def by_amount(self, queryset: QuerySet[JournalEntry], _name: str, value: str) -> QuerySet[JournalEntry]:
        return journal.with_amount(queryset, text=value)

    def by_metadata(self, queryset: QuerySet[JournalEntry], _name: str, value: str) -> QuerySet[JournalEntry]:
        name, _, wanted = value.partition("=")
        return journal.within_window(queryset, days=self.days()).filter(metadata__contains={name.strip(): wanted.strip()})


class AccountFilter(django_filters.FilterSet):  # type: ignore[misc] # the package is not typed
    q = django_filters.CharFilter(method="by_text", label="Text")
    owner_class = django_filters.ChoiceFilter(choices=OwnerClass.choices, label="Class")
    type = django_filters.ChoiceFilter(choices=AccountType.choices, label="Type")
    asset = django_filters.CharFilter(field_name="asset__code", label="Asset")
    status = django_filters.ChoiceFilter(choices=AccountStatus.choices, label="Status")
    under = django_filters.CharFilter(field_name="parent__code", label="Under")

    class Meta:
        model = Account
        fields: tuple[str, ...] = ()

    def by_text(self, queryset: QuerySet[Account], _name: str, value: str) -> QuerySet[Account]:
        text = value.strip()
        return queryset.filter(Q(code__istartswith=text) | Q(name__icontains=text))

    @property
    def active(self) -> bool:
        """Whether anything is filtered: then the tree gives way to a flat list."""
        return any(self.data.get(name) for name in self.filters)
