"""`manage.py demo_files`: the demo company's statements in any format that is read."""

import argparse
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.timezone import localdate

from ledgerops.demo.bankdays import bank_day_before
from ledgerops.demo.company import plan_statements
from ledgerops.demo.writers.registry import WRITERS


class Command(BaseCommand):
    """Plans a company from a seed and writes its statements in one format, a file for each account and bank day."""

    help = "Write the demo company's statements in a format; --formats lists them. Formats by mapping come with their mapping."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--formats", action="store_true", help="list the formats and write nothing")
        parser.add_argument("--format", choices=sorted(WRITERS), help="the format to write")
        parser.add_argument("--out", type=Path, help="folder for the files")
        parser.add_argument("--seed", type=int, default=7, help="the same seed gives the same files")
        parser.add_argument("--days", type=int, default=7, help="calendar days of history")
        parser.add_argument("--customers", type=int, default=40, help="how many customers the company has")
        parser.add_argument("--last-day", type=date.fromisoformat, help="last day of the history; the last bank day if left out")

    def handle(self, *args: Any, **options: Any) -> None:
        """List, or plan and write."""
        if options["formats"]:
            self.stdout.write("\n".join(sorted(WRITERS)))
            return
        code, folder = options["format"], options["out"]
        if not code or not folder:
            raise CommandError("Name a format and a folder: --format bai2 --out FOLDER. --formats lists the formats.")
        writer = WRITERS[code]
        try:
            planned = plan_statements(
                seed=options["seed"],
                days=options["days"],
                customers=options["customers"],
                last_day=options["last_day"] or bank_day_before(localdate()),
            )
        except ValueError as error:
            raise CommandError(str(error)) from error
        statements = [one for one in planned if writer.asset in ("", one.source.asset) and (one.lines or writer.quiet_days)]
        folder.mkdir(parents=True, exist_ok=True)
        for one in statements:
            name = f"{one.source.code}_{one.statement_date.isoformat()}"
            (folder / f"{name}.{writer.suffix}").write_bytes(writer.write(one))
            if writer.mapping:
                (folder / f"{one.source.code}.mapping.json").write_bytes(writer.mapping(one))
        self.stdout.write(f"{len(statements)} files of {code} in {folder}")
