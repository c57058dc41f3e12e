"""What every resolved break must rest on: allocations that come to nothing, entries that are posted, lines that are kept."""

from approvals.models import Execution
from ledger.models import JournalEntry, Posting
from recon.models import BY_POSTING, OF_A_SOURCE, Allocation, Break, BreakState, Item, Match


def ungrounded() -> list[str]:
    """Return what is wrong with each resolved break; nothing where none is resolved by its state alone."""
    said = []
    for recon_break in Break.objects.filter(state=BreakState.RESOLVED).select_related("ledger_item", "statement_item", "resolved_by"):
        said += [f"{recon_break.public_number} {wrong}" for wrong in _wrongs(recon_break)]
    return said


def _wrongs(recon_break: Break) -> list[str]:
    if recon_break.type in OF_A_SOURCE:
        return [] if recon_break.resolution else ["does not say how it ended"]
    items = [item for item in (recon_break.ledger_item, recon_break.statement_item) if item is not None]
    if recon_break.withdrawn_by_id is not None:
        return [f"has item {item.pk} that no statement withdrew" for item in items if item.withdrawn_by_id is None]
    if recon_break.resolved_by is None:
        return ["names no match"]
    wrong = [f"has item {item.pk} open" for item in items if item.open]
    held = Allocation.objects.filter(item__in=items, revoked_at=None)
    if recon_break.resolved_by_id not in held.values_list("match", flat=True):
        wrong.append("names a match that holds none of its items")
    for match in Match.objects.filter(pk__in=held.values("match")):
        wrong += _wrongs_of_match(match)
    return wrong


def _wrongs_of_match(match: Match) -> list[str]:
    allocations = list(Allocation.objects.filter(match=match, revoked_at=None).select_related("item__population", "item__statement_line"))
    wrong: list[str] = []
    sums: dict[int, int] = {}
    for one in allocations:
        item = one.item
        signed = int(one.amount_minor) * (1 if item.flow == "in" else -1) * item.population.sign
        sums[item.population_id] = sums.get(item.population_id, 0) + signed
        wrong += _wrongs_of_item(item)
    if len(set(sums.values())) > 1 or (len(sums) == 1 and any(sums.values())):
        wrong.append(f"rests on match {match.pk}, which leaves {sums}")
    if match.method in BY_POSTING:
        if not Execution.objects.filter(proposal=match.proposal_id).exists():
            wrong.append(f"rests on match {match.pk}, whose proposal was not executed")
        entries = set(JournalEntry.objects.filter(proposal_id=match.proposal_id).values_list("pk", flat=True))
        if not entries & {one.item.entry_id for one in allocations}:
            wrong.append(f"rests on match {match.pk}, which holds nothing that its proposal posted")
    return wrong


def _wrongs_of_item(item: Item) -> list[str]:
    if item.entry_id is not None and item.entry_line is not None:
        posting = Posting.objects.filter(entry=item.entry_id, line=item.entry_line).first()
        return [] if posting and posting.amount_minor == item.amount_minor else [f"rests on item {item.pk}, which is no posting"]
    line = item.statement_line
    return [] if line is not None and abs(int(line.amount_minor)) == item.amount_minor else [f"rests on item {item.pk}, which is no line"]
