"""`manage.py api_token USERNAME`: a token of the REST API, shown once."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from approvals.operations import issue_token
from ledgerops.lib.errors import Refusal


class Command(BaseCommand):
    """Issues a token; what it can do is what its person can."""

    help = "Issue a token of the REST API for a user and print it once."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare whose token it is."""
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        """Issue and print."""
        try:
            self.stdout.write(issue_token(username=options["username"]))
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
