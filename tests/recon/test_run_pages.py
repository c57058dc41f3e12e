"""Pages of runs, by HTTP: asking for one, watching it, reading what came of it."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from approvals.models import User
from recon import operations, tasks
from recon.models import Run, Source
from tests.concurrency import scene
from tests.fixtures import Post, signed_in
from tests.notation import writes_nothing

POLLING = {"HX-Request": "true", "HX-Target": "run"}


@pytest.fixture
def bank(roles: None) -> Source:
    return scene.bank()


@pytest.fixture
def browser(maker: User, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(tasks.execute_run, "delay", lambda **_: None)
    return signed_in(maker)


def address(run: Run) -> str:
    return reverse("recon:run", kwargs={"run_id": run.pk})


def text(response: Any) -> str:
    page: str = " ".join(response.content.decode().split())
    assert "<c-" not in page, "a component was not rendered"
    return page


def ask(browser: Client, bank: Source) -> Run:
    response = browser.post(reverse("recon:request_run"), {"reconciliation": bank.reconciliation.pk})
    run = Run.objects.latest("number")
    assert response.headers["Location"] == address(run)
    return run


def test_run_is_asked_for_and_watched_until_it_ends(bank: Source, browser: Client, maker: User, post: Post) -> None:
    assert "1010</span> against Bank USD in USD" in text(browser.get(reverse("recon:new_run")))
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD", reference="INV-1001")
    run = scene.accept(scene.mt940(("C", 1000, "INV-1001"), ("D", 250, "FEE-0001")), source=bank, by=maker)
    waiting = browser.get(address(run), headers=POLLING)
    assert waiting.status_code == 200
    assert 'hx-trigger="every 2s"' in text(waiting)
    assert "waits for a worker" in text(waiting)
    operations.execute_run(run_id=run.pk)
    ended = browser.get(address(run), headers=POLLING)
    assert ended.status_code == 286, "the status that ends the polling"
    assert "hx-trigger" not in text(ended)
    assert "toast" in ended.headers["HX-Trigger"]
    page = text(browser.get(address(run)))
    run.refresh_from_db()
    assert f"{run.passes_total} of {run.passes_total} passes" in page
    for said in ("Finished", "LE-", "BRK-", "Same reference", "INV1001", "Run again"):
        assert said in page


def test_running_run_shows_its_step_and_a_silent_worker(bank: Source, browser: Client) -> None:
    run = ask(browser, bank)
    operations.claim_run(run_id=run.pk)
    Run.objects.filter(pk=run.pk).update(step="collect", items_total=40, items_done=10)
    page = text(browser.get(address(run)))
    assert "40 items were open at the start" in page
    assert 'aria-current="step"' in page
    assert "silent" not in page
    with connection.cursor() as cursor:
        cursor.execute("UPDATE recon_run SET heartbeat_at = now() - interval '3 minutes'")
    assert "The worker has been silent since" in text(browser.get(address(run)))


def test_failed_run_says_what_is_kept(bank: Source, browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ask(browser, bank)

    def fail(**_: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr("recon.operations.engine.take_pass", fail)
    with pytest.raises(RuntimeError):
        operations.execute_run(run_id=run.pk)
    page = text(browser.get(address(run)))
    assert "RuntimeError: out of order" in page
    assert "The step that failed left nothing behind" in page


def test_second_request_while_one_waits_shows_that_one(bank: Source, browser: Client) -> None:
    first = ask(browser, bank)
    with writes_nothing():
        assert ask(browser, bank) == first


def test_nothing_chosen_or_something_out_of_scope_starts_nothing(bank: Source, browser: Client, stranger: User) -> None:
    with writes_nothing():
        for nonsense in ("", "x", "9" * 30, "\u0661"):
            response = browser.post(reverse("recon:request_run"), {"reconciliation": nonsense})
            assert response.status_code == 422
            assert "Choose what to reconcile." in text(response)
        outside = signed_in(stranger)
        assert outside.post(reverse("recon:request_run"), {"reconciliation": bank.reconciliation.pk}).status_code == 404


def test_list_renews_itself_while_a_run_works(bank: Source, browser: Client) -> None:
    run = ask(browser, bank)
    assert 'hx-trigger="every 2s"' in text(browser.get(reverse("recon:runs")))
    operations.execute_run(run_id=run.pk)
    with CaptureQueriesContext(connection) as queries:
        page = text(browser.get(reverse("recon:runs"), {"status": "completed"}))
    assert len(queries) <= 25
    assert "every 2s" not in page
    assert "1 run<" in page
    assert "No run passes these filters" in text(browser.get(reverse("recon:runs"), {"status": "failed"}))


def test_readers_read_and_may_start_nothing(bank: Source, browser: Client, auditor: User, checker: User, stranger: User) -> None:
    run = ask(browser, bank)
    for reader in (auditor, checker):
        client = signed_in(reader)
        assert client.get(address(run)).status_code == 200
        with writes_nothing():
            assert client.get(reverse("recon:new_run")).status_code == 403
            assert client.post(reverse("recon:request_run"), {"reconciliation": bank.reconciliation.pk}).status_code == 403
    assert signed_in(stranger).get(address(run)).status_code == 404
    assert "No run yet" in text(signed_in(stranger).get(reverse("recon:runs")))
