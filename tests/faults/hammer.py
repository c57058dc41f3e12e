"""One client of the hammering campaign: posts to few accounts until it is told to stop, or killed.

    python -m tests.faults.hammer NAME LEDGER_OF_ACKNOWLEDGEMENTS

Each line of its file is a key and the entry that the books acknowledged for it, written once the answer was in hand. What it meets other
than a lost connection goes to standard error and ends it: a deadlock or a broken guard must never surface.
"""

import os
import random
import sys
import time
from datetime import date
from itertools import count
from pathlib import Path

import django
from django.db import DatabaseError, InterfaceError, OperationalError

ENTITY, GROUP = "HAMMER", "HAMMER"
BANK = "bank"
CUSTOMERS = ["c1", "c2", "c3", "c4"]
DAY = date(2026, 6, 15)


def main(name: str, file: Path) -> None:
    django.setup()
    from django.db import connection  # noqa: PLC0415 - only once Django is set up

    from ledger import operations  # noqa: PLC0415
    from ledger.accounting import EntryDraft, Line  # noqa: PLC0415
    from ledgerops.lib.transactions import will_pass  # noqa: PLC0415

    dice = random.Random(name)  # noqa: S311 (no secret)

    def draft(key: str) -> EntryDraft:
        kind = dice.choice(["deposit", "deposit", "withdrawal", "transfer"])
        one, other = dice.sample(CUSTOMERS, 2)
        debit, credit = {"deposit": (BANK, one), "withdrawal": (one, BANK), "transfer": (one, other)}[kind]
        amount = dice.randint(1, 500)
        return EntryDraft(
            key=key, type=kind, entity=ENTITY, effective_date=DAY, description=kind,
            lines=[
                Line(account=debit, direction="debit", amount_minor=amount, asset="USD"),
                Line(account=credit, direction="credit", amount_minor=amount, asset="USD"),
            ],
        )  # fmt: skip

    with file.open("a") as acknowledged:
        for turn in count(1):
            drafts = [draft(f"{name}-{turn}-{n}") for n in range(dice.choice([1, 1, 1, 3, 20]))]
            while True:
                try:
                    answers = operations.record_batch(drafts=drafts, scope="hammer", atomic=False)
                except (OperationalError, InterfaceError) as error:
                    if not will_pass(error) or connection.in_atomic_block:
                        raise
                    connection.close()
                    time.sleep(0.2)
                    continue
                except DatabaseError:
                    connection.close()
                    raise
                break
            for answer in answers:
                acknowledged.write(f"{answer.draft.key} {answer.entry_id or answer.code}\n")
            acknowledged.flush()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ledgerops.settings")
    main(sys.argv[1], Path(sys.argv[2]))
