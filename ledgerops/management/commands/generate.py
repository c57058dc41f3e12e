"""`manage.py generate`: a seeded demo company, as files or loaded into the database."""

import argparse
import time
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.timezone import localdate

from ledgerops.demo.bankdays import bank_day_before
from ledgerops.demo.company import plan
from ledgerops.demo.export import write_folder
from ledgerops.demo.load import load, loaded_last_day
from ledgerops.lib.errors import Refusal


class Command(BaseCommand):
    """Plans a company from a seed; writes its statements and truth table, or loads it as well."""

    help = "Generate a demo company: bank statements as MT940 and camt.053, a truth table, and with --load its books."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--seed", type=int, default=7, help="the same seed gives the same company")
        parser.add_argument("--days", type=int, default=30, help="calendar days of history")
        parser.add_argument("--customers", type=int, default=120, help="how many customers it has")
        parser.add_argument("--last-day", type=date.fromisoformat, help="last day of the history; the last bank day if left out")
        parser.add_argument("--load", action="store_true", help="load the company into the database, too")
        parser.add_argument("--out", type=Path, default=settings.DATA_DIR / "demo", help="folder for the files")

    def handle(self, *args: Any, **options: Any) -> None:
        """Plan, write, and load if asked."""
        began = time.monotonic()
        parameters = {name: options[name] for name in ("seed", "days", "customers")}
        last_day = options["last_day"] or (loaded_last_day(**parameters) if options["load"] else None) or bank_day_before(localdate())
        try:
            company = plan(**parameters, last_day=last_day)
            written = write_folder(company, folder=options["out"])
            self.stdout.write(f"{len(written)} files in {options['out']}; those in to-upload are for you to upload")
            if options["load"]:
                loaded = load(company)
                self.stdout.write(
                    f"loaded {loaded.entries} entries and {loaded.files} statements up to {last_day}: "
                    f"{loaded.matches} matches, {loaded.breaks} breaks, {time.monotonic() - began:.1f} s"
                )
        except (Refusal, ValueError) as error:
            raise CommandError(str(error)) from error
