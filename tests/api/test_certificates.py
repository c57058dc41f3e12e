"""Account-days and certificates over REST."""

import hashlib
from collections.abc import Callable

import pytest

from approvals.models import User
from recon.models import Certificate, Source
from tests.api.caller import Caller
from tests.concurrency import scene
from tests.fixtures import Post
from tests.notation import writes_nothing
from tests.recon.certifying import WHY, agreed_days, booked, certify
from tests.recon.delivered import day

Api = Callable[[User], Caller]


@pytest.fixture
def ready(roles: None, maker: User, post: Post) -> Source:
    bank = scene.bank()
    agreed_days(bank, post=post, by=maker)
    return bank


def asked(first: int, last: int) -> dict[str, str]:
    return {"first_day": str(day(first)), "last_day": str(day(last)), "reason_code": "CERTIFY_DAY", "narrative": WHY}


def test_account_day_is_read(api: Api, ready: Source, auditor: User, post: Post) -> None:
    booked(post, "-3.00", "PAY-0001", on=1)
    shown = api(auditor).get("/accounts/1010/proof", as_of=str(day(1)))
    assert (shown["ledger_minor"], shown["external_minor"], shown["uncompared_minor"], shown["unexplained_minor"]) == (
        "1700", "2000", "-300", "0",
    )  # fmt: skip
    assert (shown["balance"], shown["open_items"], shown["hints"]) == ("closing", [], [])
    assert [one["new_minor"] for one in shown["roll_forward"]] == ["1000", "1000"]


def test_prepared_signed_read_and_withdrawn(api: Api, ready: Source, maker: User, checker: User, auditor: User, post: Post) -> None:
    proposal = api(maker).post("/accounts/1010/certificates", asked(0, 1), answers=201)
    version = proposal["versions"][-1]
    decision = {"version": version["n"], "digest": version["digest"], "outcome": "approve", "comment": ""}
    api(checker).post(f"/proposals/{proposal['id']}/decisions", decision, answers=201)
    (listed,) = api(auditor).get("/certificates")["results"]
    found = api(auditor).get(f"/certificates/{listed['id']}")
    assert (found["prepared_by"], found["reviewed_by"], found["after_sign_off"]["changes"]) == ("maker", "checker", [])
    assert found["content"] == Certificate.objects.get().content
    booked(post, "5.00", "LATE-1", on=0)
    late = api(auditor).get(f"/certificates/{listed['id']}")["after_sign_off"]
    assert [one["amount_minor"] for one in late["postings"]] == ["500"]
    (row,) = api(auditor).get("/certifications", until=str(day(1)), days="2")["accounts"]
    assert [cell["state"] for cell in row["days"]] == ["changed", "changed"]
    body = {"reason_code": "UNCERTIFY_LATE", "narrative": WHY}
    assert api(maker).post(f"/certificates/{listed['id']}/withdrawals", body, answers=201)["kind"] == "recon.uncertify"


def test_pack_and_twin_are_handed_out_as_hashed(api: Api, ready: Source, maker: User, checker: User) -> None:
    certificate = certify(ready, 0, by=maker, review=checker)
    for form, digest in (("pack", certificate.pack_digest), ("twin", certificate.digest)):
        content = api(checker).client.get(f"/api/v1/certificates/{certificate.pk}/{form}").content
        assert hashlib.sha256(content).hexdigest() == digest


def test_what_blocks_is_told_whole(api: Api, ready: Source, maker: User, checker: User) -> None:
    with writes_nothing():
        refused = api(maker).post("/accounts/1010/certificates", asked(1, 2), answers=409)["error"]
    assert (refused["code"], [one["kind"] for one in refused["detail"]["blockers"]]) == ("certification_blocked", ["no_balance"])


def test_who_made_entries_is_forbidden(api: Api, ready: Source, maker: User, checker: User, post: Post) -> None:
    booked(post, "5.00", "OWN-1", on=1, actor_id=maker.pk)
    assert api(maker).post("/accounts/1010/certificates", asked(0, 1), answers=403)["error"]["code"] == "preparer_made_entries"
