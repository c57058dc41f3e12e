"""`manage.py bench NAME`: measure against the floor, on a server of its own."""

import argparse
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ledgerops.bench import posting

BENCHES = {"posting": posting.run}


class Command(BaseCommand):
    """Runs one benchmark and prints its ratios; nothing of the running product is touched."""

    help = "Run a benchmark: " + ", ".join(BENCHES)
    requires_system_checks = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("name", choices=sorted(BENCHES))
        parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
        parser.add_argument("--quick", action="store_true", help="a reduced size, under 45 seconds")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run it.

        :raises CommandError: if a ratio is below what it must reach.
        """
        result = BENCHES[options["name"]](quick=options["quick"])
        if options["json"]:
            self.stdout.write(json.dumps(result))
            return
        for name, ratio in result["ratios"].items():
            self.stdout.write(f"{result['bench']} {name}: {ratio} (to reach: {result['reach'][name]})")
        self.stdout.write(", ".join(f"{name} {rate}/s" for name, rate in result["rates"].items()))
        if not result["held"]:
            raise CommandError("below what it must reach")
