"""Reconciliations that are set up, their rules and comparisons of runs over REST."""

from collections.abc import Callable
from typing import Any

import pytest

from approvals.models import Proposal, User
from recon import operations
from recon.matching.rules import STANDARD
from recon.models import Reconciliation, RulesVersion, Source
from tests.api.caller import Caller
from tests.concurrency import scene
from tests.fixtures import DAY, Post
from tests.notation import writes_nothing
from tests.recon.test_rules import WHY, decided, definition

Api = Callable[[User], Caller]
NEW: dict[str, Any] = {
    "name": "Bank and ledger",
    "asset": "USD",
    "populations": [{"name": "Bank", "source": "bank"}, {"name": "Ledger", "accounts": ["1010", "1020"]}],
}


@pytest.fixture
def bank(roles: None) -> Source:
    return scene.bank()


@pytest.fixture
def address(bank: Source) -> str:
    return f"/reconciliations/{bank.reconciliation.pk}"


def test_reconciliation_is_set_up_and_read(api: Api, bank: Source, maker: User) -> None:
    caller = api(maker)
    made = caller.post("/reconciliations", NEW, answers=201)
    assert [(one["name"], one["side"], one["accounts"]) for one in made["populations"]] == [
        ("Bank", "statement", []),
        ("Ledger", "ledger", ["1010", "1020"]),
    ]
    assert caller.get(f"/reconciliations/{made['id']}") == made
    listed = caller.get("/reconciliations")["results"]
    assert {one["name"]: one["standing"]["unexplained_minor"] for one in listed}["Bank and ledger"] is None
    assert caller.post("/reconciliations", NEW, answers=409)["error"]["code"] == "reconciliation_refused"


def test_what_cannot_be_set_up_is_refused_at_its_field(api: Api, bank: Source, maker: User) -> None:
    wrong = {**NEW, "populations": [NEW["populations"][0], {"name": "Yen", "accounts": ["1030"]}]}
    with writes_nothing(except_in=["knox_authtoken"]):
        refused = api(maker).post("/reconciliations", wrong, answers=422)
    assert (refused["error"]["code"], refused["error"]["field"]) == ("reconciliation_invalid", "populations.1.accounts")
    assert Reconciliation.objects.count() == 1


def test_rules_are_drafted_tried_submitted_and_in_force(
    api: Api, address: str, bank: Source, maker: User, checker: User, post: Post
) -> None:
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD", reference="INV-1001")
    scene.reconcile(scene.mt940(("C", 1000, "INV-1001")), source=bank, by=maker)
    caller = api(maker)
    tried = caller.post(f"{address}/rules/trial", {"definition": {"passes": [], "tariffs": []}, "since": "2026-01-01"}, answers=200)
    assert len(tried["groups"]["lost"]) == 1
    assert tried["groups"]["lost"][0]["pass_id"] == "reference"
    drafted = caller.post(f"{address}/rules", {"definition": definition(), "note": "A day later"}, answers=201)
    assert (drafted["number"], drafted["status"], drafted["backtest"]) == (2, "draft", None)
    asked = {"reason_code": "RULES_MORE", "narrative": WHY, "since": "2026-01-01"}
    caller.post(f"{address}/rules/2/submit", asked, answers=201)
    kept = caller.get(f"{address}/rules/2")
    assert (kept["status"], kept["backtest"]["since"]) == ("submitted", "2026-01-01")
    assert caller.post(f"{address}/rules/2/submit", asked, answers=409)["error"]["code"] == "rules_refused"
    decided(Proposal.objects.get(), by=checker)
    assert [one["status"] for one in caller.get(f"{address}/rules")["results"]] == ["active", "retired"]


def test_wrong_rules_are_refused_at_their_field(api: Api, address: str, maker: User) -> None:
    with writes_nothing(except_in=["knox_authtoken"]):
        refused = api(maker).post(f"{address}/rules", {"definition": definition(days=-1)}, answers=422)
    assert (refused["error"]["code"], refused["error"]["field"]) == ("rules_invalid", "passes.1.days")
    assert RulesVersion.objects.count() == 1


def test_run_says_what_its_passes_did_is_compared_and_not_cancelled_after_its_end(
    api: Api, bank: Source, maker: User, checker: User, post: Post
) -> None:
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD", reference="INV-1001")
    first = scene.reconcile(scene.mt940(("C", 1000, "INV-1001")), source=bank, by=maker)
    caller = api(maker)
    assert sum(one["matches"] for one in caller.get(f"/runs/{first.pk}/passes")) == 1
    later = DAY.replace(day=3)
    post("1010 debit 20.00 USD / 2010 credit 20.00 USD", reference="INV-1002", day=later)
    second = scene.reconcile(scene.mt940(("C", 2000, "INV-1002"), opening_minor=1000, day=later, number=2), source=bank, by=maker)
    compared = caller.get(f"/runs/{first.pk}/compare/{second.pk}")
    assert (compared["same"], len(compared["added"]), compared["lost"], compared["changed"]) == (1, 1, [], [])
    assert caller.post(f"/runs/{second.pk}/cancel", {}, answers=409)["error"]["code"] == "run_refused"
    waiting = operations.request_run(reconciliation_id=bank.reconciliation.pk, requested_by_id=maker.pk)
    assert caller.post(f"/runs/{waiting.pk}/cancel", {}, answers=200)["status"] == "cancelled"


def test_standard_rules_are_what_everybody_starts_with(api: Api, address: str, auditor: User) -> None:
    (version,) = api(auditor).get(f"{address}/rules")["results"]
    assert [one["id"] for one in version["definition"]["passes"]] == [one["id"] for one in STANDARD["passes"]]
