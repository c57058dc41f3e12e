"""Certificates of accounts, signed or withdrawn once somebody else has agreed."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from approvals.models import User
from approvals.registry import Amount, Command, Review
from recon.approval_handlers.adjustments import ADJUSTMENT_HANDLER
from recon.certification_queries.content import days_of
from recon.models import Certificate, Reconciliation
from recon.operations import certification


class CertifyHandler:
    """Carries out `recon.certify`."""

    kind = certification.CERTIFY
    label = "Certificate of an account"

    def check(self, *, payload: Mapping[str, Any]) -> Command:
        return certification.check_certificate(payload=payload)

    def hold(self, *, payload: Mapping[str, Any]) -> None:
        pass

    def release(self, *, payload: Mapping[str, Any]) -> None:
        pass

    def execute(self, *, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:  # noqa: ARG002
        certification.certify(payload=payload, proposal_id=proposal_id, checker_id=checker_id)

    def review(self, *, payload: Mapping[str, Any], executed: bool, proposal_id: UUID) -> Review:
        content = payload["content"]
        around = ("source__asset", "source__account__balance")
        reconciliation = Reconciliation.objects.select_related(*around).get(pk=payload["reconciliation"])
        certificate = Certificate.objects.filter(proposal_id=proposal_id).defer("pack", "canonical").first()
        checks = [
            (content["figures"]["unexplained"] == "0", "Nothing is unexplained", "Figures"),
            (all(one["proof"] == "proven" for one in content["statements"]), "Every statement proves itself", "Statements"),
        ]
        if not executed:
            last = date.fromisoformat(payload["last_day"])
            (now,) = days_of(reconciliation, first_day=last, last_day=last)
            told = (content["figures"]["ledger"], content["figures"]["external"], content["figures"]["open_items"])
            same = told == (str(now.ledger_minor), str(now.external.minor), str(now.open_minor))
            checks.append((same, "The figures are still those that were prepared", "Figures"))
        return Review(
            template="recon/reviews/certificate.html",
            context={
                "certified": content,
                "reconciliation": reconciliation,
                "certificate": certificate,
                "scale": content["asset"]["scale"],
            },
            checks=tuple(checks),
        )

    def amounts(self, *, payloads: Sequence[Mapping[str, Any]]) -> Sequence[Amount | None]:
        return [None for _ in payloads]

    def scopes_for(self, *, user: User) -> Collection[str]:
        return ADJUSTMENT_HANDLER.scopes_for(user=user)


class UncertifyHandler:
    """Carries out `recon.uncertify`."""

    kind = certification.UNCERTIFY
    label = "Withdrawal of a certificate"

    def check(self, *, payload: Mapping[str, Any]) -> Command:
        return certification.check_withdrawal(payload=payload)

    def hold(self, *, payload: Mapping[str, Any]) -> None:
        pass

    def release(self, *, payload: Mapping[str, Any]) -> None:
        pass

    def execute(self, *, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:  # noqa: ARG002
        certification.withdraw_certificate(payload=payload, proposal_id=proposal_id)

    def review(self, *, payload: Mapping[str, Any], executed: bool, proposal_id: UUID) -> Review:  # noqa: ARG002
        around = ("reconciliation__source__account", "reconciliation__source__asset", "prepared_by", "reviewed_by")
        certificate = Certificate.objects.select_related(*around).defer("pack", "canonical").get(pk=UUID(payload["certificate"]))
        checks = [(certificate.digest == payload["digest"], "The certificate is exactly what was signed", "Certificate")]
        if not executed:
            checks.append((certificate.is_live, "The certificate stands", "State"))
        return Review(template="recon/reviews/withdrawal.html", context={"certificate": certificate}, checks=tuple(checks))

    def amounts(self, *, payloads: Sequence[Mapping[str, Any]]) -> Sequence[Amount | None]:
        return [None for _ in payloads]

    def scopes_for(self, *, user: User) -> Collection[str]:
        return ADJUSTMENT_HANDLER.scopes_for(user=user)


CERTIFY_HANDLER = CertifyHandler()
UNCERTIFY_HANDLER = UncertifyHandler()
