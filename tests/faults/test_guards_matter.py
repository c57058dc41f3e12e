"""Take each guard away and see its test go red: a guard whose test stays green is guarded by nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from tests.faults.breaking import BROKEN_GUARD
from tests.faults.guard import Guard
from tests.faults.guards import GUARDS

PROJECT = Path(__file__).resolve().parent.parent.parent
TESTS_FAILED = 1


@pytest.mark.slow
@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_without_its_guard_it_fails(guard: Guard) -> None:
    done = _run(guard.test, "-p", "tests.faults.breaking", environment={BROKEN_GUARD: guard.name})
    assert done.returncode == TESTS_FAILED, f"{guard.test} ended with {done.returncode}:\n{done.stdout[-3000:]}"
    assert " failed" in done.stdout, done.stdout[-3000:]


def test_guards_page_lists_every_guard_with_its_test_it() -> None:
    page = (PROJECT / "docs" / "guards.md").read_text()
    missing = [guard.name for guard in GUARDS if f"`{guard.name}`" not in page or f"`{guard.test}`" not in page]
    assert missing == []


@pytest.mark.django_db
def test_guards_page_names_every_trigger_it() -> None:
    page = (PROJECT / "docs" / "guards.md").read_text()
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT tgisinternal ORDER BY 1")
        triggers = {name for (name,) in cursor.fetchall()}
    assert [name for name in sorted(triggers) if f"`{name}`" not in page] == []


def _run(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    # A server of its own: the variables of this one are left out.
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DATABASE_", "CELERY_", "LEDGEROPS_", "DJANGO_", "PYTEST_"))
    }
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *arguments],
        cwd=PROJECT,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
