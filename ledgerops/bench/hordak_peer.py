"""What a user would otherwise post with: django-hordak in a process, packages and database of its own.

Run by the interpreter of its own folder, never imported: `hordak_peer.py URL` reads one JSON object a line, `{"do": "prepare"}` or
`{"do": "post", "seconds": 1.0}`, and answers with the accounts made or the postings a second. A posting is a transaction with two
legs, as its manual says.
"""

import json
import random
import sys
import time
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

import django
from django.conf import settings

ACCOUNTS = 10_000
DESCRIPTION = "transfer"


def main() -> None:
    """Answer until the input ends."""
    parts = urlsplit(sys.argv[1])
    settings.configure(
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "mptt", "djmoney", "hordak"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": parts.path.lstrip("/"),
                "USER": unquote(parts.username or ""),
                "PASSWORD": unquote(parts.password or ""),
                "HOST": parts.hostname,
                "PORT": str(parts.port),
                "CONN_MAX_AGE": None,
            }
        },
        CURRENCIES=("USD",),
        DEFAULT_CURRENCY="USD",
        HORDAK_DEFAULT_CURRENCY="USD",
        HORDAK_CURRENCIES=["USD"],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
        SECRET_KEY="unused by this process",  # noqa: S106 (nothing is signed)
    )
    django.setup()
    prepare, post = _works()
    for line in sys.stdin:
        order = json.loads(line)
        done = prepare() if order["do"] == "prepare" else post(order["seconds"])
        sys.stdout.write(json.dumps(done) + "\n")
        sys.stdout.flush()


def _works() -> tuple[Callable[[], int], Callable[[float], float]]:
    """Return what it can be told to do; its models can only be imported once Django is set up."""
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import transaction  # noqa: PLC0415
    from djmoney.money import Money  # noqa: PLC0415
    from hordak.models import Account, AccountType, Leg, Transaction  # noqa: PLC0415

    ids: list[int] = []

    def prepare() -> int:
        call_command("migrate", verbosity=0)
        # Roots of trees of their own, as its manager would number them; its triggers fill in the rest.
        Account.objects.bulk_create(
            [
                Account(
                    name=f"Customer {n}", code=str(n), type=AccountType.liability, currencies=["USD"], lft=1, rght=2, tree_id=n, level=0
                )
                for n in range(1, ACCOUNTS + 1)
            ],
            batch_size=1000,
        )
        ids.extend(Account.objects.order_by("pk").values_list("pk", flat=True))
        return len(ids)

    def post(seconds: float) -> float:
        posted = 0
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            payer, payee = random.sample(ids, 2)
            with transaction.atomic():
                moved = Transaction.objects.create(description=DESCRIPTION)
                Leg.objects.create(transaction=moved, account_id=payer, debit=Money("1.00", "USD"))
                Leg.objects.create(transaction=moved, account_id=payee, credit=Money("1.00", "USD"))
            posted += 1
        return posted / seconds

    return prepare, post


if __name__ == "__main__":
    main()
