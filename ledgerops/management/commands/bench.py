"""`manage.py bench NAME`: measure against the floor, on a server of its own."""

import argparse
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ledgerops.bench import balance, batch, guards, hot, http, incremental, ingest, integrity, posting, recon, statement, trial
from ledgerops.bench.report import Report, significant
from ledgerops.bench.table import table

BENCHES: dict[str, Callable[..., Report]] = {
    "posting": posting.run,
    "guards": guards.run,
    "http": http.run,
    "hot": hot.run,
    "batch": batch.run,
    "balance": balance.run,
    "trial": trial.run,
    "statement": statement.run,
    "integrity": integrity.run,
    "ingest": ingest.run,
    "recon": recon.run,
    "incremental": incremental.run,
}
ALL = "all"


class Command(BaseCommand):
    """Runs a benchmark, or all one after another, and prints ratios; nothing of the running product is touched."""

    help = "Run a benchmark: " + ", ".join(BENCHES)
    requires_system_checks = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("name", choices=[*BENCHES, ALL])
        parser.add_argument("--json", action="store_true", help="print one JSON object a line and nothing else")
        parser.add_argument("--quick", action="store_true", help="a reduced size, under 45 seconds each")
        parser.add_argument("--table", type=Path, help="write what was measured to this file, as a page")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run them.

        :raises CommandError: if a ratio is not what it must reach.
        """
        names = list(BENCHES) if options["name"] == ALL else [options["name"]]
        reports = []
        for name in names:
            report = BENCHES[name](quick=options["quick"])
            reports.append(report)
            self._tell(report, as_json=options["json"])
            if options["table"]:
                options["table"].write_text(table(reports, on=date.today(), quick=options["quick"]))  # noqa: DTZ011 (a page's date)
        failed = [report.bench for report in reports if not report.held]
        if failed and not options["json"]:
            raise CommandError(f"not what it must reach: {', '.join(failed)}")

    def _tell(self, report: Report, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(report.as_json()))
            self.stdout.flush()
            return
        for name, ratio in report.ratios.items():
            bound = f" (to reach: {report.reach[name]})" if name in report.reach else ""
            self.stdout.write(f"{report.bench} {name}: {significant(ratio):g}{bound}")
        self.stdout.write(", ".join(f"{name} {significant(rate):g}" for name, rate in report.rates.items()))
        for name, power in report.exponents.items():
            self.stdout.write(f"growth of {name}: {power:.2f}")
