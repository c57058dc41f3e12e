"""docs/source-of-truth.md says of every balance and status field who owns it; a field that is not there has no owner."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps

from ledger.operations.integrity_checks import CHECK_OF

PAGE = Path(__file__).parents[2] / "docs" / "source-of-truth.md"
APPS = ("ledger", "recon", "approvals", "runtime")
# What says how much or how things stand, by its name.
NAMES = {
    "status", "settlement", "state", "version", "current_version", "account_seq", "open", "proof", "outcome", "current", "deferred",
    "active", "tripped", "digest", "closed_at", "resolved_at", "lifted_at", "seen_to_at", "finished_at", "executed_at", "revoked_at",
    "allowed_at",
}  # fmt: skip
ENDINGS = ("_minor", "_frozen", "_status", "_state")
_FIELD = re.compile(r"`([a-z]+\.[A-Z]\w+\.[a-z_]+)`")
# What a source said, beside the field that it is said of.
QUOTED = {"ledger.TransactionEvent.from_status", "ledger.TransactionEvent.to_status"}


def fields() -> Iterator[str]:
    """Yield every balance and status field, but those of histories, which repeat their model's."""
    for app in APPS:
        for model in apps.get_app_config(app).get_models():
            if model.__name__.startswith("Historical"):
                continue
            for field in model._meta.concrete_fields:
                if field.name in NAMES or field.name.endswith(ENDINGS):
                    yield f"{model._meta.label}.{field.name}"


def rows() -> list[list[str]]:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_balance_and_status_field_has_an_owner_it() -> None:
    listed = [label for row in rows() for label in _FIELD.findall(row[0])]
    assert len(listed) == len(set(listed)), "a field has two owners"
    assert set(listed) == set(fields()) - QUOTED


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][:60])
def test_row_names_owner_sources_and_what_follows_it(row: list[str]) -> None:
    assert len(row) == 4
    assert all(row)
    assert row[1].split(":")[0].split()[0].rstrip(",") in ("Fact", "Derived", "Decision", "Report")


def test_checks_that_the_page_names_exist_it() -> None:
    named = {name for row in rows() for name in re.findall(r"`([a-z_]+)`", row[3])}
    guards = {"recon_item_is_open_or_matched", "approvals_version_matches_its_digest"}
    assert named <= set(CHECK_OF) | guards
