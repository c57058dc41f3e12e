"""Whole weeks of one bank account that were certified: the controller prepared them, the approver reviewed them.

Its live breaks need no owner, as the controller has said; on every other account they keep the days from being certified.
"""

from datetime import date, timedelta

from django.contrib.auth import get_user_model

from ledgerops.demo.people import approve
from recon import operations as recon
from recon.account_day_queries import latest_day
from recon.certification_queries import blockers_of
from recon.certification_queries.content import days_of
from recon.models import CertificationTerms, Reconciliation, Source, Statement

CERTIFIED = "HARBOR-USD"
WEEKS = 3
_WEEK = timedelta(days=7)


def load_certificates() -> None:
    """Certify them once; a company that has them stays as it is."""
    reconciliation = Source.objects.get(code=CERTIFIED).reconciliation
    if CertificationTerms.objects.filter(reconciliation=reconciliation).exists():
        return
    controller = get_user_model().objects.get(username="controller")
    recon.set_certification_terms(reconciliation_id=reconciliation.pk, break_days=30, owners_required=False, set_by_id=controller.pk)
    around = ("source__account__asset", "source__account__balance", "source__asset")
    home = Reconciliation.objects.select_related(*around).get(pk=reconciliation.pk)
    for monday in _mondays(home):
        days = days_of(home, first_day=monday, last_day=monday + _WEEK - timedelta(days=1))
        if blockers_of(home, days=days):
            continue
        approve(
            recon.prepare_certificate(
                reconciliation_id=home.pk,
                first_day=days[0].day,
                last_day=days[-1].day,
                reason_code="CERTIFY_DAY",
                narrative="Every statement of the week is in, and every open item was looked at.",
                maker_id=controller.pk,
            )
        )


def _mondays(reconciliation: Reconciliation) -> list[date]:
    """Return the Mondays of the last whole weeks that the source's statements cover, the earliest first."""
    latest = latest_day(reconciliation.source)
    first = Statement.objects.filter(source=reconciliation.source).order_by("closing_date").values_list("closing_date", flat=True).first()
    if latest is None or first is None:
        return []
    ends = latest - timedelta(days=latest.isoweekday())
    mondays = [ends - _WEEK * n + timedelta(days=1) for n in range(WEEKS, 0, -1)]
    return [monday for monday in mondays if monday > first]
