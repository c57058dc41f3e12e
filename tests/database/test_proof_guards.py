"""The guards of proofs alone, written around the operations, as the owner whom no privilege stops."""

from uuid import UUID, uuid4

import pytest

from approvals.models import User
from recon import operations
from recon.models import ProofDefinition, ProofResult
from recon.operations.proofs import define_proof, prove
from tests.database.around import Session, refused_by
from tests.fixtures import DAY, ENTITY

pytestmark = [pytest.mark.django_db(transaction=True, databases=["default", "owner"])]


@pytest.fixture
def result(maker: User) -> ProofResult:
    operations.register_source(code="fbo", name="Bank, customers", identifier="fbo", account="1020")
    definition = define_proof(
        code="USD", name="Dollars", kind="customer_money", entity=ENTITY, asset="USD", terms={"sources": ["fbo"]}, starts_on=DAY,
        defined_by_id=maker.pk,
    )  # fmt: skip
    return prove(definition_id=definition.pk, day=DAY)


def insert_result(owner: Session, definition: ProofDefinition, *, outcome: str, difference: int | None) -> None:
    owner.execute(
        "INSERT INTO recon_proof_result (id, definition_id, day, n, known_at, outcome, difference_minor, canonical, digest, made_at)"
        " VALUES (%s, %s, %s, 9, now(), %s, %s, '{}', '', now())",
        [uuid4(), definition.pk, DAY, outcome, difference],
    )


def certify(owner: Session, result: ProofResult, *, by: tuple[int, int], proposal: UUID | None = None) -> None:
    owner.execute(
        "INSERT INTO recon_proof_certificate (result_id, digest, proposal_id, prepared_by_id, certified_by_id, certified_at)"
        " VALUES (%s, %s, %s, %s, %s, now())",
        [result.pk, result.digest, proposal or uuid4(), *by],
    )


@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}"])
@pytest.mark.parametrize(
    ("table", "column", "guard"),
    [
        ("recon_proof_definition", "version", "recon_proof_definition_never_changes"),
        ("recon_proof_result", "n", "recon_proof_result_never_changes"),
    ],
)
@pytest.mark.usefixtures("result")
def test_what_is_and_was_proven_never_changes_it(owner: Session, statement: str, table: str, column: str, guard: str) -> None:
    with refused_by(guard):
        owner.execute(statement.format(table, column, column).encode())


@pytest.mark.parametrize(("outcome", "difference"), [("holds", -1), ("shortfall", 1), ("incomplete", 0), ("surplus", 0)])
def test_outcome_is_its_difference_it(owner: Session, result: ProofResult, outcome: str, difference: int) -> None:
    with refused_by("recon_proof_outcome_is_its_difference"):
        insert_result(owner, result.definition, outcome=outcome, difference=difference)


def test_certificate_needs_an_executed_proposal_it(owner: Session, result: ProofResult, maker: User, checker: User) -> None:
    with refused_by("recon_proof_certificate_is_approved"):
        certify(owner, result, by=(maker.pk, checker.pk))


def test_certifier_is_not_who_prepared_it(owner: Session, result: ProofResult, maker: User) -> None:
    with refused_by("recon_proof_certifier_is_not_its_preparer"):
        certify(owner, result, by=(maker.pk, maker.pk))
