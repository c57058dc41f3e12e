"""Rules tried as work: asked for, done at once or by a worker, watched, and kept for whoever submits them."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.urls import reverse

from approvals.models import User
from recon.matching.rules import STANDARD, Rules
from recon.models import Reconciliation, RulesTrial, RulesVersion, Source
from recon.operations import backtests, draft_rules, rules, submit_rules, trials
from tests.concurrency import scene
from tests.fixtures import DAY, Post, signed_in
from tests.notation import writes_nothing

SLOWER = {**STANDARD, "passes": [{**one, **({"days": 4} if one["id"] == "reference" else {})} for one in STANDARD["passes"]]}


@pytest.fixture
def reconciled(roles: None, post: Post, maker: User) -> Reconciliation:
    """A receipt that the bank shows on the same day, and one that it shows three business days later."""
    bank: Source = scene.bank()
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD", reference="INV-1001", day=DAY)
    post("1010 debit 20.00 USD / 2010 credit 20.00 USD", reference="INV-1002", day=DAY - timedelta(days=5))
    scene.reconcile(scene.mt940(("C", 1000, "INV-1001"), ("C", 2000, "INV-1002")), source=bank, by=maker)
    return bank.reconciliation


def ask(reconciliation: Reconciliation, maker: User, definition: Any = SLOWER) -> RulesTrial:
    return trials.request_trial(reconciliation_id=reconciliation.pk, rules=Rules.from_json(definition), since=DAY, requested_by_id=maker.pk)


def kept(reconciliation: Reconciliation) -> Any:
    return trials.kept_back_test(reconciliation=reconciliation, digest=Rules.from_json(SLOWER).digest, since=DAY)


def added(result: Any) -> int:
    return sum(one["added"] for one in result["passes"])


def test_few_items_are_tried_at_once_and_what_comes_of_it_is_kept(reconciled: Reconciliation, maker: User) -> None:
    trial = ask(reconciled, maker)
    assert (trial.status, trial.passes_done, added(trial.result)) == ("completed", trial.passes_total, 1)


def test_many_are_tried_by_a_worker_once(reconciled: Reconciliation, maker: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "AT_ONCE_MAX", 0)
    trial = ask(reconciled, maker)
    assert trial.status == "queued"
    assert ask(reconciled, maker).pk == trial.pk
    assert trials.overdue_trials() == [trial.pk]
    trials.execute_trial(trial_id=trial.pk)
    trial.refresh_from_db()
    assert added(trial.result) == 1
    with writes_nothing():
        trials.execute_trial(trial_id=trial.pk)


def test_worker_that_was_lost_is_followed_by_another(reconciled: Reconciliation, maker: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "AT_ONCE_MAX", 0)
    trial = ask(reconciled, maker)
    RulesTrial.objects.update(status="running", started_at=Now(), heartbeat_at=Now() - timedelta(minutes=3))
    assert trials.overdue_trials() == [trial.pk]
    trials.execute_trial(trial_id=trial.pk)
    trial.refresh_from_db()
    assert trial.status == "completed"


def test_what_cannot_be_tried_says_why(reconciled: Reconciliation, maker: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: Any) -> None:
        raise ValueError("no such thing")

    monkeypatch.setattr(trials, "back_test", broken)
    with pytest.raises(ValueError, match="no such thing"):
        ask(reconciled, maker)
    trial = RulesTrial.objects.get()
    assert (trial.status, trial.failure) == ("failed", "ValueError: no such thing")
    shown = signed_in(maker).get(reverse("recon:rules_trial", args=[reconciled.pk, trial.pk]))
    assert b"It could not be tried" in shown.content


def test_back_test_made_before_goes_with_the_proposal_unless_something_was_decided_since(
    reconciled: Reconciliation, post: Post, maker: User, checker: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(reconciled, maker)
    made: list[int] = []

    def counted(**values: Any) -> Any:
        made.append(1)
        return backtests.back_test(**values)

    monkeypatch.setattr(rules, "back_test", counted)
    assert kept(reconciled) is not None
    version = draft_rules(reconciliation_id=reconciled.pk, definition=SLOWER, drafted_by_id=maker.pk)
    submit_rules(rules_id=version.pk, reason_code="RULES_MORE", narrative="The bank is slower than it was", maker_id=maker.pk, since=DAY)
    assert made == []
    assert added(RulesVersion.objects.get(pk=version.pk).backtest) == 1
    scene.reconcile(scene.mt940(("C", 700, "INV-1003"), number=2, opening_minor=3000), source=reconciled.source, by=maker)
    assert kept(reconciled) is None


def test_page_watches_until_it_is_done(reconciled: Reconciliation, maker: User, auditor: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "AT_ONCE_MAX", 0)
    trial = ask(reconciled, maker)
    address = reverse("recon:rules_trial", args=[reconciled.pk, trial.pk])
    asks = {"HX-Request": "true", "HX-Target": "trial"}
    waiting = signed_in(maker).get(address, headers=asks)
    assert (waiting.status_code, b"Waits for a worker" in waiting.content) == (200, True)
    trials.execute_trial(trial_id=trial.pk)
    done = signed_in(maker).get(address, headers=asks)
    assert (done.status_code, b"Matches that come" in done.content) == (286, True)
    assert signed_in(auditor).get(address).status_code == 200
    again = signed_in(maker).get(reverse("recon:rules_editor", args=[reconciled.pk]), {"trial": str(trial.pk)})
    assert b'name="p1-days" value="4"' in again.content
