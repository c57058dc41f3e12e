"""`manage.py formats_table`: writes what becomes of every file of the corpora into docs/formats.md."""

import argparse
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ledgerops.corpora import BEGIN, END, outcomes, table


class Command(BaseCommand):
    """Reads the corpora and puts the table between its two marks."""

    help = "Read every file of the statement corpora and write the table of docs/formats.md: lines, proof, errors."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--corpora", type=Path, required=True, help="folder of the corpora, with one folder for each kind of file")
        parser.add_argument(
            "--mappings", type=Path, default=settings.BASE_DIR / "tests/corpora/mappings", help="mappings, each named after its file"
        )
        parser.add_argument("--docs", type=Path, default=settings.BASE_DIR / "docs/formats.md", help="the page with the two marks")

    def handle(self, *args: Any, **options: Any) -> None:
        """Read, and replace what stands between the marks."""
        page = options["docs"].read_text(encoding="utf-8")
        before, begin, rest = page.partition(BEGIN)
        _, end, after = rest.partition(END)
        if not begin or not end:
            raise CommandError(f"{options['docs']} has not the marks {BEGIN} and {END}")
        rows = list(outcomes(options["corpora"], mappings=options["mappings"]))
        if not rows:
            raise CommandError(f"there are no files in the folders of {options['corpora']}")
        options["docs"].write_text(f"{before}{BEGIN}\n\n{table(iter(rows))}\n\n{END}{after}", encoding="utf-8")
        refused = sum(row.proof == "refused" for row in rows)
        self.stdout.write(f"{len(rows)} files: {len(rows) - refused} read, {refused} refused, each with its reason")
