"""Statement files of other people's making, taken in as a person would: each is accepted or refused, whole, and says why.

`pytest tests/corpora/test_intake_corpora.py -s` prints the table of all files.
"""

import hashlib
import io
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from approvals import operations as approvals
from approvals.models import User
from ledger import operations as ledger
from ledger.models import AccountGroup, LegalEntity
from ledgerops.reference import load_reference_data
from recon import operations, queries
from recon.models import Item, Statement, StatementFile, StatementLine
from recon.operations import FileRefused, NewAccount, StatementKnown, StatementRestated
from tests.fixtures import PASSWORD, signed_in

CORPORA = Path(os.environ.get("LEDGEROPS_CORPORA", Path(__file__).parents[3] / "shared" / "corpora"))
FILES = sorted(path for folder in ("mt940", "camt", "bai2", "ofx", "ach") for path in (CORPORA / folder).rglob("*") if path.is_file())
LARGEST = 10_000_000

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not FILES, reason=f"the statement corpora are not at {CORPORA} (set LEDGEROPS_CORPORA)"),
]


@pytest.fixture
def analyst(db: None) -> User:
    load_reference_data()
    ledger.define_entity(code="M1", name="Meridian")
    ledger.define_account_group(code="BANKS", name="Bank accounts")
    for scope in (LegalEntity.objects.get(), AccountGroup.objects.get()):
        approvals.grant_sight(role="Analyst", scope_object=scope)
    return approvals.add_user(username="analyst", full_name="Analyst", role="Analyst", password=PASSWORD)


def test_every_file_is_taken_whole_or_refused_with_the_place(analyst: User) -> None:
    browser = signed_in(analyst)
    outcomes: Counter[str] = Counter()
    for path in FILES:
        said = take(path, by=analyst, browser=browser)
        outcomes[said.partition(" ")[0]] += 1
        print(f"{path.relative_to(CORPORA)!s:95} {said}")  # noqa: T201 the table is what a reader wants of this test
    print(dict(outcomes))  # noqa: T201
    assert sum(outcomes.values()) == len(FILES)
    assert {"proven", "unproven", "refused", "known", "repeated"} <= set(outcomes)


def take(path: Path, *, by: User, browser: Client) -> str:
    """Take a file through receipt, preview, registration, acceptance and all of it again; return what became of it."""
    content = path.read_bytes()
    known = StatementFile.objects.filter(sha256=hashlib.sha256(content).hexdigest()).first()
    with grows(StatementFile, by=0 if known else 1):
        file, new = operations.receive_file(name=path.name, content=io.BytesIO(content), maximum_bytes=LARGEST, received_by_id=by.pk)
    if known:
        assert (file.pk, new) == (known.pk, False)
        return f"repeated   the bytes of {known.name}"
    with grows():
        again, new = operations.receive_file(name="other name", content=io.BytesIO(content), maximum_bytes=LARGEST, received_by_id=by.pk)
        assert (again.pk, new) == (file.pk, False)
    if file.status == "refused":
        shows(file, browser=browser)
        return is_refused(file)
    register_accounts(file, by=by)
    shows(file, browser=browser)
    sources = list(queries.sources_for(by).values_list("pk", flat=True))
    try:
        before = Statement.objects.count()
        operations.accept_file(file_id=file.pk, source_ids=sources)
    except (StatementKnown, StatementRestated) as refusal:
        assert Statement.objects.count() == before
        assert not StatementLine.objects.filter(statement__file=file).exists()
        return f"known      {refusal}"
    with grows():
        assert operations.accept_file(file_id=file.pk, source_ids=sources) == []
    shows(file, browser=browser)
    return is_accepted(file)


def is_refused(file: StatementFile) -> str:
    fatal = [error for error in file.errors if error["fatal"]]
    assert fatal
    assert all(error["where"] and error["message"] for error in file.errors)
    with grows(), pytest.raises(FileRefused):
        operations.accept_file(file_id=file.pk, source_ids=[])
    return f"refused    {fatal[0]['where']}: {fatal[0]['message']}"[:150]


def is_accepted(file: StatementFile) -> str:
    statements = list(Statement.objects.filter(file=file).order_by("ordinal"))
    assert statements
    for statement in statements:
        lines = StatementLine.objects.filter(statement=statement)
        assert lines.count() == statement.line_count
        counting = (
            lines.filter(booked=True, amount_minor__gt=0, repetition=None) if statement.kind in ("statement", "report") else lines.none()
        )
        assert Item.objects.filter(statement_line__in=lines).count() == counting.count()
        booked = sum(int(line.amount_minor) * (1 if line.flow == "in" else -1) for line in lines.filter(booked=True))
        assert booked == statement.movements_minor
        differs = any(control["declared"] != control["found"] for control in statement.controls)
        if statement.opening_minor is None or statement.closing_minor is None:
            assert statement.proof == ("unproven" if differs else "no_balance")
        else:
            assert statement.difference_minor == statement.closing_minor - statement.opening_minor - statement.movements_minor
            assert statement.proof == ("unproven" if statement.difference_minor or differs else "proven")
    differences = [str(statement.difference_minor) for statement in statements if statement.proof == "unproven"]
    unbalanced = sum(statement.proof == "no_balance" for statement in statements)
    word = "unproven" if differences else "unbalanced" if unbalanced else "proven"
    lacking = f", {unbalanced} without a balance" if unbalanced else ""
    return f"{word:11}{len(statements)} statements{', by ' + ' '.join(differences) if differences else ''}{lacking}"


def register_accounts(file: StatementFile, *, by: User) -> None:
    known = set(queries.sources_for(by).values_list("identifier", "asset__code"))
    for statement in operations.statements_in(file):
        account = (statement.account, statement.currency)
        if account not in known:
            known.add(account)
            code = f"B{len(known)}"
            new = NewAccount(code=code, name=code, entity="M1", group="BANKS", asset=statement.currency)
            operations.register_source_with_account(code=code, name=code, identifier=statement.account, account=new)


def shows(file: StatementFile, *, browser: Client) -> None:
    response = browser.get(reverse("recon:file", kwargs={"file_id": file.pk}))
    assert response.status_code == 200
    assert b"<c-" not in response.content


@contextmanager
def grows(model: type[StatementFile] | None = None, *, by: int = 0) -> Iterator[None]:
    """Assert that nothing is stored in the block but `by` rows of the model."""
    models = (StatementFile, Statement, StatementLine, Item)
    before = {one: one.objects.count() for one in models}
    yield
    assert {one: one.objects.count() - before[one] for one in models} == {one: by if one is model else 0 for one in models}
