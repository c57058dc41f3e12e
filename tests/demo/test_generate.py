"""`manage.py generate`: files always, the database only when asked."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from ledger.models import JournalEntry

PARAMETERS = {"seed": 3, "days": 6, "customers": 4}


def test_it_writes_files_without_a_database(tmp_path: Path) -> None:
    out = StringIO()

    call_command("generate", **PARAMETERS, out=tmp_path, stdout=out)

    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert f"{len(files)} files in {tmp_path}" in out.getvalue()
    assert {path.suffix for path in files} == {".sta", ".xml", ".json"}


@pytest.mark.django_db
def test_it_keeps_to_the_last_day_of_the_company_it_finds(tmp_path: Path) -> None:
    call_command("generate", "--load", "--last-day", "2026-10-02", **PARAMETERS, out=tmp_path, stdout=StringIO())
    entries = JournalEntry.objects.count()
    out = StringIO()

    call_command("generate", "--load", **PARAMETERS, out=tmp_path, stdout=out)

    assert "loaded 0 entries and 0 statements up to 2026-10-02" in out.getvalue()
    assert JournalEntry.objects.count() == entries > 0


def test_it_says_what_is_wrong_with_its_parameters(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="0 customers"):
        call_command("generate", seed=1, days=5, customers=0, out=tmp_path)
