"""Resolving and treating breaks over REST."""

from collections.abc import Callable
from io import BytesIO

from django.core.files.uploadedfile import SimpleUploadedFile

from approvals.models import User
from recon.models import Break, Item, Source
from tests.api.caller import Caller
from tests.fixtures import DAY
from tests.notation import writes_nothing
from tests.recon.test_resolutions import LIMIT_MINOR, WHY, after
from tests.recon.test_resolutions import bank as _bank_with_terms
from tests.recon.test_resolutions import pair as _pair

Api = Callable[[User], Caller]
bank, pair = _bank_with_terms, _pair
ASKED = {"reason_code": "WRITE_OFF_SMALL", "narrative": WHY, "effective_date": DAY.isoformat()}
REBOOKED = {**ASKED, "reason_code": "REBOOK_AMOUNT", "counter_account": "2010"}


def test_open_items_are_listed_by_amount_and_filtered(api: Api, maker: User, pair: Break) -> None:
    caller, path = api(maker), f"/breaks/{pair.pk}/open-items"
    found = caller.get(path)["results"]
    assert [(one["side"], one["amount_minor"]) for one in found] == [("statement", "9750"), ("ledger", "10000")]
    assert [one["side"] for one in caller.get(path, side="ledger")["results"]] == ["ledger"]
    assert caller.get(path, reference="none")["results"] == []
    assert caller.get(path, answers=422, amount_from="much")["error"]["field"] == "amount_from"


def test_a_rest_stays_open_where_the_caller_says(api: Api, maker: User, pair: Break) -> None:
    caller, path = api(maker), f"/breaks/{pair.pk}/match"
    line, entry = (Item.objects.get(side=side).pk for side in ("statement", "ledger"))
    with writes_nothing():
        refused = caller.refused(path, {"version": 1, "item_ids": [], "leave_rest": True, "rest_of": line}, answers=409)
    assert refused["field"] == "rest_of"
    left = caller.post(path, {"version": 1, "item_ids": [], "leave_rest": True, "rest_of": entry})
    assert (left["state"], left["difference_minor"]) == ("open", "250")


def test_a_write_off_and_a_rebooking_are_proposed(api: Api, maker: User, pair: Break) -> None:
    caller = api(maker)
    with writes_nothing():
        refused = caller.refused(f"/breaks/{pair.pk}/rebookings", {**REBOOKED, "counter_account": "nobody"}, answers=404)
        assert refused["field"] == "counter_account"
        assert caller.refused(f"/breaks/{pair.pk}/write-offs", {**ASKED, "break_version": 9}, answers=409)["code"] == "break_refused"
    proposal = caller.post(f"/breaks/{pair.pk}/write-offs", ASKED)
    assert (proposal["kind"], proposal["status"]) == ("recon.write_off", "submitted")
    with writes_nothing():
        told = caller.refused(f"/breaks/{pair.pk}/rebookings", REBOOKED, answers=409)
    assert told["detail"]["by"].startswith("Maker")


def test_a_break_is_treated_and_found_by_its_treatment(api: Api, maker: User, pair: Break) -> None:
    caller, path = api(maker), f"/breaks/{pair.pk}/treatments"
    body = {
        "version": 1,
        "kind": "timing",
        "reason_code": "TIMING_CUT_OFF",
        "narrative": "After the cut-off",
        "until": after(1).isoformat(),
    }
    with writes_nothing():
        assert caller.refused(path, {**body, "until": "2020-01-06"}, answers=422)["field"] == "until"
    assert caller.post(path, body)["kind"] == "timing"
    assert [one["id"] for one in caller.get("/breaks", treatment="timing")["results"]] == [str(pair.pk)]
    assert caller.get("/breaks", treatment="none")["results"] == []
    ended = caller.post(f"{path}/end", {"version": 2, "reason": "It was none"}, answers=200)
    assert (ended["ended_by"], ended["end_reason"]) == ("maker", "It was none")
    assert len(caller.get(path)) == 1


def test_evidence_and_messages_stand_with_the_break(api: Api, maker: User, checker: User, pair: Break) -> None:
    caller = api(maker)
    kept = caller.post(f"/breaks/{pair.pk}/messages", {"kind": "camt.056.001.08", "text": "Please return it", "reason": "DUPL"})
    assert (kept["origin"], kept["media_type"]) == ("drafted", "application/xml")
    response = caller.client.post(
        f"/api/v1/breaks/{pair.pk}/evidence", {"file": SimpleUploadedFile("x.png", BytesIO(b"%PDF-1.4 x").read()), "note": "Scan"}
    )
    assert response.status_code == 201, response.content
    assert response.json()["name"] == "x.png.pdf"
    assert len(caller.get(f"/breaks/{pair.pk}/evidence")) == 2
    caller.post(f"/breaks/{pair.pk}/comments", {"text": "@checker look"})
    (mention,) = api(checker).get("/mentions")["results"]
    assert api(checker).post(f"/mentions/{mention['id']}/seen", {}, answers=200)["seen_at"]
    assert api(checker).get("/mentions")["results"] == []


def test_terms_are_read_and_proposed(api: Api, maker: User, checker: User, bank: Source, person: Callable[[str, str], User]) -> None:
    (terms,) = api(maker).get("/resolution-terms")
    assert (terms["write_off_account"], terms["write_off_maximum_minor"]) == ("6490", str(LIMIT_MINOR))
    body = {
        "entity": "M1",
        "asset": "USD",
        "write_off_maximum_minor": "700",
        "write_off_account": "6490",
        "timing_days_maximum": 3,
        "reason_code": "TERMS_POLICY",
        "narrative": WHY,
    }
    controller = api(person("controller", "Controller"))
    with writes_nothing():
        assert controller.refused("/resolution-terms", {**body, "asset": "XXX"}, answers=404)["code"] == "terms_not_found"
        assert controller.refused("/resolution-terms", {**body, "write_off_account": "2010"}, answers=422)["field"] == "write_off_account"
    assert controller.post("/resolution-terms", body)["kind"] == "recon.set_terms"
