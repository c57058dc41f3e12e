"""`manage.py up`: LedgerOps on this machine, in the foreground, with everything it needs."""

import argparse
from typing import Any

import psycopg
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from ledgerops.demo import DEMO_PASSPHRASE
from ledgerops.embedded.processes import ServiceError
from ledgerops.embedded.stack import Plan, Stack, running_at
from ledgerops.embedded.supervisor import Interrupted, interruptible

DEMO_USERS = ("analyst", "approver", "controller", "administrator", "auditor")


class Command(BaseCommand):
    """Starts what is missing, keeps it running, and stops it all on Ctrl-C."""

    help = "Run LedgerOps: PostgreSQL, Valkey, web, worker and beat, with a demo company the first time."
    requires_system_checks = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--port", type=int, default=8000, help="port of the web server; the next free one if it is taken")
        parser.add_argument("--no-demo", action="store_true", help="leave an empty database empty")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until interrupted, or say where it runs already."""
        settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
        plan = Plan(
            project=settings.BASE_DIR,
            data_folder=settings.DATA_DIR,
            port=options["port"],
            demo=not options["no_demo"],
            users_table=get_user_model()._meta.db_table,
        )
        lock = plan.lock
        if not lock.take():
            self._attach(plan)
            return
        stack = Stack(plan=plan, say=self._say)
        with interruptible():
            try:
                stack.start()
                self._welcome(stack.web_url, demo=plan.demo)
                stack.supervisor.watch()
            except Interrupted:
                self._say("stopping")
            except (ServiceError, psycopg.Error) as error:
                raise CommandError(str(error)) from error
            finally:
                stack.stop()
                lock.release()

    def _attach(self, plan: Plan) -> None:
        pid = plan.lock.holder()
        address = running_at(plan, seconds=180)
        if address is None:
            raise CommandError(f"process {pid} runs LedgerOps in {plan.data_folder} but serves no page; see {plan.data_folder / 'logs'}")
        self._say(f"LedgerOps is already running (process {pid})")
        self._welcome(address, demo=plan.demo)

    def _welcome(self, address: str, *, demo: bool) -> None:
        self._say(f"\n  {address}\n")
        if demo:
            self._say(f"  users       {', '.join(DEMO_USERS)}\n  passphrase  {DEMO_PASSPHRASE}\n")

    def _say(self, text: str) -> None:
        # Whoever read our output may be gone; the services are not.
        try:
            self.stdout.write(text)
            self.stdout.flush()
        except OSError:
            return
