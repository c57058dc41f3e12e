"""What people may write on the pages of proposals, and how lists are filtered."""

import re
from datetime import timedelta

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils import timezone

from approvals.models import DecisionOutcome, Proposal, ProposalStatus
from ledgerops.context import COOKIE_CHOICES

COMMENT_MAXIMUM = 2000
# Expiry within so many hours.
SOON = (("24", "Expires within 24 h"), ("72", "Expires within 3 days"))


class DecisionForm(forms.Form):
    """One person's word on the version and digest they were shown; whether a comment is needed is the operation's to say."""

    version = forms.IntegerField(min_value=1, widget=forms.HiddenInput)
    digest = forms.RegexField(r"\A[0-9a-f]{64}\Z", widget=forms.HiddenInput)
    outcome = forms.ChoiceField(
        choices=DecisionOutcome.choices, widget=forms.RadioSelect, error_messages={"required": "Choose what you decide."}
    )
    comment = forms.CharField(required=False, max_length=COMMENT_MAXIMUM, widget=forms.Textarea(attrs={"rows": 3}))


class WithdrawalForm(forms.Form):
    reason = forms.CharField(
        label="Why you take it back",
        max_length=COMMENT_MAXIMUM,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Say why, for whoever reads the trail."},
    )


class ProposalFilter(django_filters.FilterSet):  # type: ignore[misc]
    """The filters of a list of proposals, all in its address."""

    q = django_filters.CharFilter(method="by_text")
    status = django_filters.ChoiceFilter(choices=ProposalStatus.choices)
    expires = django_filters.ChoiceFilter(choices=SOON, method="by_expiry")

    class Meta:
        model = Proposal
        fields: list[str] = []

    def by_text(self, queryset: QuerySet[Proposal], name: str, value: str) -> QuerySet[Proposal]:  # noqa: ARG002 (django-filter's signature)
        """Take `ADJ-1003` or `1003` for a number, anything else for words of the title or the maker's name."""
        if number := re.fullmatch(r"\s*(?:ADJ-)?(\d{1,18})\s*", value, re.IGNORECASE | re.ASCII):
            return queryset.filter(number=int(number[1]))
        return queryset.filter(Q(title__icontains=value) | Q(maker__username__icontains=value))

    def by_expiry(self, queryset: QuerySet[Proposal], name: str, value: str) -> QuerySet[Proposal]:  # noqa: ARG002 (django-filter's signature)
        return queryset.filter(expires_at__lte=timezone.now() + timedelta(hours=int(value)))


class PreferencesForm(forms.Form):
    """How the frame looks and listens; kept in cookies, so that the first byte of a page is right already."""

    theme = forms.ChoiceField(choices=[(choice, choice.capitalize()) for choice in COOKIE_CHOICES["theme"]])
    density = forms.ChoiceField(choices=[(choice, choice.capitalize()) for choice in COOKIE_CHOICES["density"]])
    keys = forms.ChoiceField(label="Single keys", choices=[(choice, choice.capitalize()) for choice in COOKIE_CHOICES["keys"]])


class ThemeForm(forms.Form):
    theme = forms.ChoiceField(choices=[(choice, choice) for choice in COOKIE_CHOICES["theme"]])
