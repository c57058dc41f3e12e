"""Reading a record is an act of its own, and on the trail."""

from django.db import transaction
from django.db.models import Model

from audit.operations import record_event

ACTIONS = {"ledgerops.record.read": "Somebody read a record, or a list of records, as it stands in its table"}


def record_read(model: type[Model], *, target_id: str, query: str = "", rows: int = 1) -> None:
    """Record that records of a kind are about to be shown; what cannot be recorded is not shown."""
    with transaction.atomic():
        record_event(
            "ledgerops.record.read", target_type=model._meta.label_lower, target_id=target_id, after={"query": query[:500], "rows": rows}
        )
