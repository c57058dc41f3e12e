"""The integrity checker: what is right stays silent, what is wrong is named, stops posting in its scope and is put right by two people."""

from collections.abc import Callable
from typing import Any

import pytest

from approvals.models import User
from ledger import operations
from ledger.models import IntegrityFinding
from tests.integrity_scene import busy_books

pytestmark = pytest.mark.django_db(transaction=True)


def test_sound_books_full_examination_finds_nothing_it(chart: dict[str, Any], roles: None, person: Callable[[str, str], User]) -> None:
    busy_books(maker=person("maker", "Analyst"), checker=person("checker", "Approver"))
    run = operations.check_books(full=True)
    assert [finding.sentence for finding in IntegrityFinding.objects.all()] == []
    assert run.finished_at is not None
    assert {step["state"] for step in run.progress} == {"done"}
