"""Saying what is expected from a source and when, and that nothing will come for one day."""

from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from ledgerops.lib.calendars import calendar_names
from ledgerops.lib.http import STATUS_OF, requires
from recon import feed_calendar, operations, source_queries
from recon.due import Terms
from recon.models import Feed, FeedFrequency, Source
from recon.operations import FeedDayRefused, FeedInvalid
from recon.web.sources.views import day_in, source_context
from recon.web.sources.words import FREQUENCY_WORDS, WEEKDAYS
from recon.web.statements.views import user_of

UNPROCESSABLE = 422


class FeedForm(forms.Form):
    """Every term is said; what cannot be is the operation's to refuse."""

    frequency = forms.ChoiceField(label="Reports come", choices=[(value.value, word) for value, word in FREQUENCY_WORDS.items()])
    weekday = forms.TypedChoiceField(
        label="On", required=False, coerce=int, empty_value=None, choices=[("", "no certain weekday"), *enumerate(WEEKDAYS)]
    )
    calendar = forms.ChoiceField(label="Business days of")
    days_after = forms.IntegerField(
        label="Due after", min_value=0, help_text="Business days after the day that it is about; 0 is the same day."
    )
    due_time = forms.TimeField(label="At", widget=forms.TimeInput(attrs={"type": "time"}))
    timezone = forms.CharField(label="Time zone", max_length=60, help_text="Such as Europe/Berlin, America/New_York or UTC.")
    grace_minutes = forms.IntegerField(label="Grace, minutes", min_value=0, help_text="Late until then, missing after it.")
    starts_on = forms.DateField(label="First day reported on", widget=forms.DateInput(attrs={"type": "date"}))
    ends_on = forms.DateField(label="Last day", required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["calendar"].choices = [(code, f"{code}: {name}") for code, name in calendar_names().items()]  # type: ignore[attr-defined]

    def terms(self) -> Terms:
        return Terms(**self.cleaned_data)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("recon.set_feed")
def feed(request: HttpRequest, code: str) -> HttpResponse:
    """Set what is expected from a source."""
    found = source_queries.source_for(user_of(request), code=code)
    terms = source_queries.feed_of(found)
    if request.method != "POST":
        return _page(request, found=found, terms=terms, form=FeedForm(initial=_initial(terms)))
    form = FeedForm(request.POST)
    if not form.is_valid():
        return _page(request, found=found, terms=terms, form=form, status=UNPROCESSABLE)
    try:
        operations.set_feed(source_id=found.pk, terms=form.terms())
    except FeedInvalid as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, f"{str(refusal)[:1].upper()}{str(refusal)[1:]}.")
        return _page(request, found=found, terms=terms, form=form, status=STATUS_OF[refusal.kind])
    messages.success(request, f"It is said what is expected from {found.name}.")
    return redirect("recon:source", code=code)


@require_POST
@requires("recon.set_feed")
def waive(request: HttpRequest, code: str) -> HttpResponse:
    """Say that nothing will come for one day."""
    user = user_of(request)
    found = source_queries.source_for(user, code=code)
    day, reason = day_in(request.POST.get("day", "")), request.POST.get("reason", "")
    try:
        operations.waive_day(source_id=found.pk, day=day or date.min, reason=reason, waived_by_id=user.pk)
    except (FeedInvalid, FeedDayRefused) as refusal:
        context = source_context(request, found=found, now=timezone.now())
        context |= {"refusal": refusal, "waived_day": request.POST.get("day", ""), "waive_reason": reason}
        return render(request, "recon/sources/source.html", context, status=STATUS_OF[refusal.kind])
    messages.success(request, "Nothing is expected for that day any more.")
    return redirect("recon:source", code=code)


def _initial(terms: Feed | None) -> dict[str, Any]:
    if terms is None:
        return {
            "frequency": FeedFrequency.BUSINESS_DAILY,
            "calendar": "TARGET",
            "days_after": 1,
            "grace_minutes": 120,
            "starts_on": timezone.localdate(),
        }
    said = feed_calendar.terms_of(terms)
    return {name: getattr(said, name) for name in Terms.__slots__}


def _page(request: HttpRequest, *, found: Source, terms: Feed | None, form: FeedForm, status: int = 200) -> HttpResponse:
    return render(request, "recon/sources/feed.html", {"source": found, "terms": terms, "form": form}, status=status)
