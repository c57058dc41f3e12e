"""Whether an entity's books have begun."""

from datetime import date

from django.db.models import Exists, OuterRef

from ledger.models import JournalEntry, Transaction, TransactionStatus


def entry_before(*, entity: str, day: date) -> JournalEntry | None:
    """Return an entry of the entity up to a day; an opening that was undone to the last leg, and what undid it, count as none."""
    undone = Transaction.objects.filter(pk=OuterRef("pk"), status=TransactionStatus.REVERSED)
    found = JournalEntry.objects.filter(entity__code=entity, effective_date__lte=day)
    found = found.exclude(Exists(undone), type__code="opening").exclude(type__code="reversal", reverses__type__code="opening")
    return found.order_by("effective_date", "id").first()
