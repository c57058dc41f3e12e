"""What the demo company's analyst has said of the breaks in the queue, and whom new ones go to."""

from datetime import timedelta

from django.contrib.auth import get_user_model

from ledgerops.lib.transactions import database_now
from recon import operations as recon
from recon.models import Break, BreakLabel, BreakState

PUT_OFF_DAYS = 3


def load_queue_work() -> None:
    """Label, watch and put off a few breaks once; a company that has labels stays as it is."""
    if BreakLabel.objects.exists():
        return
    analyst = get_user_model().objects.get(username="analyst")
    recon.set_routes(routes=[recon.RouteAsked(type="stale_feed", assignee=analyst.username)])
    live = list(Break.objects.filter(state=BreakState.OPEN, parent=None).order_by("occurred_on", "number")[:6])
    labels = ("LABEL_BANK_ASKED", "LABEL_BANK_ASKED", "LABEL_ENGINEERING", "LABEL_MONTH_END")
    for recon_break, label in zip(live, labels, strict=False):
        recon.label_break(break_id=recon_break.pk, label=label, wanted=True)
    for recon_break in live[:1]:
        recon.name_root_cause(break_id=recon_break.pk, cause="CAUSE_REFERENCE")
        recon.watch_break(break_id=recon_break.pk, user_id=analyst.pk, wanted=True)
    for recon_break in live[5:]:
        until = database_now().date() + timedelta(days=PUT_OFF_DAYS)
        recon.snooze_break(break_id=recon_break.pk, until=until, reason="The bank answers within three days")
