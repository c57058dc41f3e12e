"""What reports are drawn from: figures of each day, counted from items and matches so that no page has to read them all."""

from django.db import models

from ledgerops.lib.sql import ClockTimestamp
from recon.models.matching import Reconciliation


class DayFigures(models.Model):
    """The items of one reconciliation dated one day, by how they stand, and the matches that runs made on that day.

    Every item that counts is matched by runs alone (`automatic`), with a person's part in it (`by_people`), or open, if only for a part of
    its amount. Amounts are sums without signs, of the whole items. `rule_matches_undone` are those of `rule_matches` that people undid.
    Derived from items, allocations and matches (see `recon.operations.figures`); counting again gives the same.
    """

    pk = models.CompositePrimaryKey("reconciliation_id", "day")
    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.PROTECT, related_name="day_figures", db_index=False)
    day = models.DateField()
    items = models.PositiveIntegerField()
    automatic = models.PositiveIntegerField()
    by_people = models.PositiveIntegerField()
    open_items = models.PositiveIntegerField()
    items_minor = models.DecimalField(max_digits=50, decimal_places=0)
    automatic_minor = models.DecimalField(max_digits=50, decimal_places=0)
    by_people_minor = models.DecimalField(max_digits=50, decimal_places=0)
    open_items_minor = models.DecimalField(max_digits=50, decimal_places=0)
    # What is open of the open items; with their number it tells whether a day has to be counted again.
    left_minor = models.DecimalField(max_digits=50, decimal_places=0)
    rule_matches = models.PositiveIntegerField()
    rule_matches_undone = models.PositiveIntegerField()

    class Meta:
        db_table = "recon_day_figures"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(items=models.F("automatic") + models.F("by_people") + models.F("open_items"))
                & models.Q(items_minor=models.F("automatic_minor") + models.F("by_people_minor") + models.F("open_items_minor")),
                name="recon_day_figures_add_up",
            ),
            models.CheckConstraint(
                condition=models.Q(rule_matches_undone__lte=models.F("rule_matches")), name="recon_day_figures_undoes_what_was_made"
            ),
        ]


class FiguresCount(models.Model):
    """When the figures of a reconciliation were last counted, and when all its days were."""

    reconciliation = models.OneToOneField(Reconciliation, on_delete=models.PROTECT, primary_key=True, related_name="figures_count")
    counted_at = models.DateTimeField(db_default=ClockTimestamp())
    whole_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "recon_figures_count"
