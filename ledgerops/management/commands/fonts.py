"""Make the subset fonts under static/fonts."""

from typing import Any

from django.core.management.base import BaseCommand

from ledgerops import fonts


class Command(BaseCommand):
    help = "Make the product's fonts from the installed font package. Without them the system's fonts are used."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--if-missing", action="store_true", help="do nothing if they were made before")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["if_missing"] and fonts.available():
            return
        for path in fonts.make():
            self.stdout.write(f"{path.name}: {path.stat().st_size:,} bytes")
