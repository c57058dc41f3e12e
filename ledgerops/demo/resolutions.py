"""What the demo company writes off and waits for, and two breaks that its analyst treats as something else than open."""

from django.contrib.auth import get_user_model

from ledger.models import Asset
from ledgerops.demo import chart
from ledgerops.lib.calendars import business_day_after
from ledgerops.lib.transactions import database_now
from recon import operations as recon
from recon.models import Break, BreakState, Treatment, TreatmentKind

# What is not worth the time of two people, in minor units.
LIMITS = {"USD": 5_00, "EUR": 5_00, "GBP": 5_00, "JPY": 500}
TIMING_DAYS = 5


def load_resolutions(*, entity: str) -> None:
    """Say the terms and treat two breaks once; a company that has treatments stays as it is."""
    for asset in Asset.objects.filter(code__in=[one.code for one in chart.ASSETS]):
        limit = LIMITS.get(asset.code, 10**asset.scale)
        account = chart.written_off_account(asset=asset.code)
        recon.define_terms(
            recon.Terms(
                entity=entity,
                asset=asset.code,
                write_off_maximum_minor=limit,
                write_off_account=account,
                timing_days_maximum=TIMING_DAYS,
            )
        )
    if Treatment.objects.exists():
        return
    analyst = get_user_model().objects.get(username="analyst")
    live = Break.objects.filter(state=BreakState.OPEN, parent=None).order_by("-occurred_on", "-number")
    until = business_day_after(database_now().date(), count=2, calendar="WEEKDAYS")
    late, twice = live.filter(type="missing_external").first(), live.filter(type="duplicate_external").first()
    if late is not None:
        _treat(
            late,
            kind=TreatmentKind.TIMING,
            reason="TIMING_CUT_OFF",
            said="Sent after the bank's cut-off, booked next day",
            by=analyst.pk,
            until=until,
        )
    if twice is not None:
        _treat(
            twice, kind=TreatmentKind.DUPLICATE, reason="DUPLICATE_BANK", said="The bank confirms that it booked this twice", by=analyst.pk
        )


def _treat(recon_break: Break, *, kind: TreatmentKind, reason: str, said: str, by: int, **values: object) -> None:
    recon.treat_break(
        request=recon.TreatmentRequest(
            break_id=recon_break.pk,
            version=recon_break.version,
            kind=kind,
            reason_code=reason,
            narrative=said,
            **values,  # type: ignore[arg-type]
        ),
        treated_by_id=by,
    )
