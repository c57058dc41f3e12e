"""The camt reader: every point in which banks' files differ has its own small statement."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from recon.formats.events import ControlRead
from tests.recon.formats.samples import (
    IBAN,
    balance_xml,
    balances,
    camt_xml,
    chains,
    entry_xml,
    errors,
    fatal,
    lines,
    opened,
    read_camt,
    signed,
    statement_xml,
)


def test_reads_a_statement_with_its_places() -> None:
    text = camt_xml(statement_xml("\n" + entry_xml(more="<AcctSvcrRef>BANK-9</AcctSvcrRef>")))
    events = read_camt(text)
    assert not errors(events)
    (head,) = opened(events)
    assert (head.account, head.account_scheme, head.currency, head.copy) == (IBAN, "iban", "EUR", False)
    assert (head.statement_id, head.statement_number, head.message_id) == ("S1", "7", "M1")
    assert head.created_at is not None
    assert head.created_at.astimezone(UTC) == datetime(2024, 1, 4, 5, tzinfo=UTC)
    (line,) = lines(events)
    assert (line.booking_date, line.value_date, line.bank_reference) == (date(2024, 1, 3), date(2024, 1, 4), "BANK-9")
    assert (line.place.line, line.place.path) == (2, "BkToCstmrStmt/Stmt[1]/Ntry[1]")
    assert line.raw.startswith('<Ntry><Amt Ccy="EUR">10.00</Amt>')
    assert balances(events) == {"opening": Decimal("100.00"), "closing": Decimal("110.00")}
    assert chains(events)[0].proof.status == "proven"


def detail(amount: str = "", *, own: str = "", currency: str = "EUR") -> str:
    money = f'<Amt Ccy="{currency}">{amount}</Amt>' if amount else ""
    return f"<TxDtls><Refs><EndToEndId>E{amount}</EndToEndId></Refs>{money}{own and f'<CdtDbtInd>{own}</CdtDbtInd>'}</TxDtls>"


# Point 1: the entry is booked; what the details sum to is kept beside it.
def test_keeps_the_difference_between_entry_and_details() -> None:
    (line,) = lines(read_camt(camt_xml(statement_xml(entry_xml("98.00", details=detail("60.00") + detail("40.00"))))))
    assert (line.amount, line.details_total) == (Decimal("98.00"), Decimal("100.00"))
    (equal,) = lines(read_camt(camt_xml(statement_xml(entry_xml("100.00", details=detail("60.00") + detail("40.00"))))))
    assert equal.details_total is None


# Point 2: a batch has no reference of its own but the batch's, whether its details are there or not.
def test_books_a_batch_as_one_line() -> None:
    batch = "<Btch><PmtInfId>PAYROLL-1</PmtInfId><NbOfTxs>3</NbOfTxs></Btch>"
    bare, full = lines(
        read_camt(camt_xml(statement_xml(entry_xml(details=batch), entry_xml(details=batch + detail("4.00") + detail("6.00")))))
    )
    assert (bare.own_reference, bare.end_to_end_id, bare.details_total) == ("PAYROLL-1", "", None)
    assert (full.own_reference, full.end_to_end_id, full.description) == ("PAYROLL-1", "", "2 transactions")


# Point 3: CdtDbtInd already is the effective direction of a reversal.
def test_does_not_flip_a_reversal_again() -> None:
    (line,) = lines(read_camt(camt_xml(statement_xml(entry_xml(direction="DBIT", more="<RvslInd>true</RvslInd>")))))
    assert (line.direction, line.reversal) == ("debit", True)


# Point 4: the status is text or a code; only booked entries count.
@pytest.mark.parametrize(
    ("status", "booked"),
    [
        ("<Sts>BOOK</Sts>", True),
        ("<Sts><Cd>BOOK</Cd></Sts>", True),
        ("", True),
        ("<Sts>PDNG</Sts>", False),
        ("<Sts><Cd>PDNG</Cd></Sts>", False),
        ("<Sts>INFO</Sts>", False),
        ("<Sts><Cd>FUTR</Cd></Sts>", False),
        ("<Sts><Prtry>HELD</Prtry></Sts>", False),
    ],
)
def test_tells_booked_entries_from_others(status: str, booked: bool) -> None:  # noqa: FBT001
    events = read_camt(camt_xml(statement_xml(entry_xml(status=status))))
    assert lines(events)[0].booked is booked
    assert chains(events)[0].proof.status == ("proven" if booked else "unproven")


def test_leaves_out_a_pending_entry_without_date_and_says_so() -> None:
    events = read_camt(camt_xml(statement_xml(entry_xml(status="<Sts>PDNG</Sts>", dates=""))))
    assert not lines(events)
    assert [(error.field, error.fatal) for error in errors(events)] == [("BookgDt", False)]


# Point 5: a detail without direction takes the entry's, one with its own may oppose it.
def test_lets_a_detail_oppose_its_entry() -> None:
    details = detail("100.00") + detail("2.00", own="DBIT") + detail("1.00", own="CRDT")
    (line,) = lines(read_camt(camt_xml(statement_xml(entry_xml("98.00", details=details)))))
    assert line.details_total == Decimal("99.00")
    (debit,) = lines(read_camt(camt_xml(statement_xml(entry_xml("98.00", "DBIT", details=details)))))
    assert debit.details_total == Decimal("101.00")


# Point 6: an entry in another currency counts by the bank's converted amount, or not at all.
def test_uses_the_converted_amount_of_a_foreign_entry() -> None:
    converted = '<AmtDtls><InstdAmt><Amt Ccy="USD">11.00</Amt></InstdAmt><CntrValAmt><Amt Ccy="EUR">10.00</Amt></CntrValAmt></AmtDtls>'
    events = read_camt(camt_xml(statement_xml(entry_xml("11.00", currency="USD", more=converted))))
    assert (lines(events)[0].amount, lines(events)[0].currency) == (Decimal("10.00"), "EUR")
    assert chains(events)[0].proof.status == "proven"
    assert [(error.field, error.value, error.fatal) for error in errors(events)] == [("Amt", "11.00", False)]


def test_keeps_a_foreign_entry_without_converted_amount_out_of_the_proof() -> None:
    events = read_camt(camt_xml(statement_xml(entry_xml("11.00", currency="USD"))))
    assert (lines(events)[0].amount, lines(events)[0].currency) == (Decimal("11.00"), "USD")
    assert chains(events)[0].proof.difference_minor == 10_00000
    assert "does not count" in errors(events)[0].message


# Point 7: without OPBD the previous closing balance opens.
def test_opens_with_the_previous_closing_balance() -> None:
    both = balance_xml("PRCD", "90.00") + balance_xml("OPBD", "100.00") + balance_xml("CLBD", "110.00")
    assert balances(read_camt(camt_xml(statement_xml(balances=both))))["opening"] == Decimal("100.00")
    alone = balance_xml("PRCD", "90.00", sign="DBIT") + balance_xml("CLBD", "110.00")
    assert balances(read_camt(camt_xml(statement_xml(balances=alone))))["opening"] == Decimal("-90.00")


def test_never_proves_with_available_balances() -> None:
    available = balance_xml("OPAV", "100.00") + balance_xml("CLAV", "110.00")
    events = read_camt(camt_xml(statement_xml(entry_xml(), balances=available)))
    assert set(balances(events)) == {"other"}
    assert chains(events)[0].proof.status == "no_balance"
    assert [error.fatal for error in errors(events)] == [False, False]


def test_opens_with_the_first_day_and_closes_with_the_last() -> None:
    days = "".join(
        balance_xml(code, amount, day=day)
        for day, first, last in (("2024-01-04", "110.00", "120.00"), ("2024-01-03", "100.00", "110.00"))
        for code, amount in (("OPBD", first), ("CLBD", last))
    )
    events = read_camt(camt_xml(statement_xml(entry_xml(), entry_xml(), balances=days)))
    assert chains(events)[0].proof.status == "proven"


# Point 8: several statements, or one on several pages, in a file.
def test_reads_several_statements() -> None:
    events = read_camt(camt_xml(statement_xml(entry_xml()), statement_xml(entry_xml())))
    assert [head.ordinal for head in opened(events)] == [1, 2]
    assert [line.place.path for line in lines(events)] == [f"BkToCstmrStmt/Stmt[{number}]/Ntry[1]" for number in (1, 2)]
    assert [line.ordinal for line in lines(events)] == [1, 1]


def test_chains_pages_over_intermediate_balances() -> None:
    first = statement_xml(entry_xml(), balances=balance_xml("OPBD", "100.00") + balance_xml("ITBD", "110.00"))
    middle = statement_xml(entry_xml(), balances=balance_xml("ITBD", "110.00") + balance_xml("ITBD", "120.00"))
    last = statement_xml(entry_xml(), balances=balance_xml("ITBD", "120.00") + balance_xml("CLBD", "130.00"))
    (whole,) = chains(read_camt(camt_xml(first, middle, last)))
    assert (whole.proof.status, whole.complete, len(whole.pages)) == ("proven", True, 3)


def test_reads_intermediate_balances_marked_by_their_sub_type() -> None:
    carried = balance_xml("OPBD", "100.00").replace("</Tp>", "<SubTp><Cd>INTM</Cd></SubTp></Tp>") + balance_xml("CLBD", "110.00")
    assert set(balances(read_camt(camt_xml(statement_xml(balances=carried))))) == {"intermediate_opening", "closing"}


# Point 9: two numberings, both optional; copies must not be booked.
def test_takes_the_legal_number_where_there_is_no_electronic_one() -> None:
    text = camt_xml(statement_xml().replace("ElctrncSeqNb", "LglSeqNb"))
    assert opened(read_camt(text))[0].statement_number == "7"
    text = camt_xml(statement_xml(head="<LglSeqNb>97</LglSeqNb>"))
    assert opened(read_camt(text))[0].statement_number == "7"


@pytest.mark.parametrize("code", ["COPY", "CODU", "DUPL"])
def test_refuses_copies(code: str) -> None:
    events = read_camt(camt_xml(statement_xml(head=f"<CpyDplctInd>{code}</CpyDplctInd>")))
    assert opened(events)[0].copy
    (error,) = fatal(events)
    assert (error.value, error.place.path) == (code, "BkToCstmrStmt/Stmt[1]/CpyDplctInd")


# Point 10: amounts have up to five decimals, and none is lost.
def test_reads_five_decimals() -> None:
    assert signed(read_camt(camt_xml(statement_xml(entry_xml("0.00001"))))) == [Decimal("0.00001")]


@pytest.mark.parametrize("amount", ["", "12..34", "-1.00", "1,50", "1e3", "NaN", "١٢"])
def test_refuses_what_is_not_an_amount_but_reads_on(amount: str) -> None:
    events = read_camt(camt_xml(statement_xml(entry_xml(amount), entry_xml("2.00"))))
    (error,) = fatal(events)
    assert (error.field, error.value, error.place.path) == ("Amt", amount, "BkToCstmrStmt/Stmt[1]/Ntry[1]/Amt")
    assert signed(events) == [Decimal("2.00")]


# Point 11: dates and instants with an offset; the bank's own calendar day counts.
@pytest.mark.parametrize(
    "written",
    [
        "<Dt>2024-01-03</Dt>",
        "<Dt>2024-01-03+01:00</Dt>",
        "<DtTm>2024-01-03T23:59:59.123456789-11:00</DtTm>",
        "<DtTm>2024-01-03T00:00:00Z</DtTm>",
    ],
)
def test_reads_dates_as_the_bank_writes_them(written: str) -> None:
    (line,) = lines(read_camt(camt_xml(statement_xml(entry_xml(dates=f"<BookgDt>{written}</BookgDt>")))))
    assert line.booking_date == line.value_date == date(2024, 1, 3)


def test_lets_one_date_stand_in_for_an_unreadable_other() -> None:
    dates = "<BookgDt><Dt>2024-02-30</Dt></BookgDt><ValDt><Dt>2024-01-04</Dt></ValDt>"
    events = read_camt(camt_xml(statement_xml(entry_xml(dates=dates))))
    assert lines(events)[0].booking_date == date(2024, 1, 4)
    assert [(error.field, error.value, error.fatal) for error in errors(events)] == [("BookgDt", "2024-02-30", False)]
    dates = "<BookgDt><Dt>2024-02-30</Dt></BookgDt>"
    assert [error.field for error in fatal(read_camt(camt_xml(statement_xml(entry_xml(dates=dates)))))] == ["BookgDt"]


# Points 12 and 13: a business header around the document, any namespace, or none.
@pytest.mark.parametrize("namespace", ["", ' xmlns="urn:something:else"', ' xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.14"'])
def test_ignores_namespaces_and_envelopes(namespace: str) -> None:
    document = camt_xml(statement_xml(entry_xml()), namespace=namespace)
    assert chains(read_camt(document))[0].proof.status == "proven"
    envelope = f'<m:message xmlns:m="urn:envelope"><AppHdr><BizMsgIdr>B</BizMsgIdr></AppHdr>{document}</m:message>'
    assert chains(read_camt(envelope))[0].proof.status == "proven"
    prefixed = document.replace("<", "<x:").replace("<x:/", "</x:")
    assert chains(read_camt(prefixed))[0].proof.status == "proven"


def test_reads_version_1() -> None:
    text = camt_xml(statement_xml(entry_xml())).replace("BkToCstmrStmt>", "BkToCstmrStmtV01>")
    text = text.replace("<CdOrPrtry>", "").replace("</CdOrPrtry>", "")
    assert chains(read_camt(text))[0].proof.status == "proven"


# Point 14: intraday reports and notifications overlap the statement, so that their kind keeps them from being summed with it.
@pytest.mark.parametrize(
    ("container", "name", "kind"), [("BkToCstmrAcctRpt", "Rpt", "intraday"), ("BkToCstmrDbtCdtNtfctn", "Ntfctn", "notification")]
)
@pytest.mark.parametrize("version", ["", "V01"])
def test_reads_reports_as_what_they_are(container: str, name: str, kind: str, version: str) -> None:
    text = camt_xml(statement_xml(entry_xml(), entry_xml(status="<Sts>PDNG</Sts>"), balances=""))
    events = read_camt(text.replace("BkToCstmrStmt", container + version).replace("Stmt>", f"{name}>"))
    assert not errors(events)
    (report,) = opened(events)
    assert (report.kind, report.account, report.statement_number) == (kind, IBAN, "7")
    assert [line.booked for line in lines(events)] == [True, False]
    assert lines(events)[0].place.path == f"{container}{version}/{name}[1]/Ntry[1]"
    assert opened(read_camt(camt_xml(statement_xml())))[0].kind == "statement"


def test_an_intraday_report_may_carry_balances_that_add_up() -> None:
    interim = balance_xml("OPBD", "100.00") + balance_xml("ITBD", "110.00")
    text = camt_xml(statement_xml(entry_xml(), balances=interim)).replace("BkToCstmrStmt", "BkToCstmrAcctRpt").replace("Stmt>", "Rpt>")
    assert chains(read_camt(text))[0].proof.status == "proven"


def test_a_report_may_leave_dates_out_and_a_statement_may_not() -> None:
    text = camt_xml(statement_xml(entry_xml(dates=""), head="<CreDtTm>2024-01-05T00:30:00+01:00</CreDtTm>", balances=""))
    events = read_camt(text.replace("BkToCstmrStmt", "BkToCstmrDbtCdtNtfctn").replace("Stmt>", "Ntfctn>"))
    assert [line.booking_date for line in lines(events)] == [date(2024, 1, 5)]
    assert [(error.field, error.fatal) for error in errors(events)] == [("BookgDt", False)]
    assert [error.field for error in fatal(read_camt(text))] == ["BookgDt"]


def test_a_statement_inside_the_wrong_container_is_none() -> None:
    (error,) = fatal(read_camt(camt_xml(statement_xml()).replace("BkToCstmrStmt", "BkToCstmrAcctRpt")))
    assert error.field == "Stmt"


def test_reads_the_period() -> None:
    period = "<FrToDt><FrDtTm>2024-01-03T00:00:00+01:00</FrDtTm><ToDtTm>2024-01-04T00:00:00+01:00</ToDtTm></FrToDt>"
    (head,) = opened(read_camt(camt_xml(statement_xml(head=period))))
    assert (head.period_start, head.period_end) == (date(2024, 1, 3), date(2024, 1, 4))


# Point 15: a filler is no reference.
def test_reads_references_and_parties_of_a_single_payment() -> None:
    details = (
        "<TxDtls><Refs><InstrId>OUR-1</InstrId><EndToEndId>E2E-1</EndToEndId><UETR>EB6305C9-1F7F-49DE-AED0-16487C27B42D</UETR></Refs>"
        f"<RltdPties><Dbtr><Pty><Nm>Payer</Nm></Pty></Dbtr><DbtrAcct><Id><IBAN>{IBAN}</IBAN></Id></DbtrAcct>"
        "<Cdtr><Nm>Payee</Nm></Cdtr><CdtrAcct><Id><Othr><Id>123</Id></Othr></Id></CdtrAcct></RltdPties>"
        "<RmtInf><Ustrd>Invoice</Ustrd><Ustrd>42</Ustrd><Strd><CdtrRefInf><Ref>RF18539007547034</Ref></CdtrRefInf></Strd></RmtInf></TxDtls>"
    )
    money_in, money_out, returned = lines(
        read_camt(
            camt_xml(
                statement_xml(
                    entry_xml(details=details),
                    entry_xml(direction="DBIT", details=details.replace("E2E-1", "NOTPROVIDED")),
                    entry_xml(more="<RvslInd>true</RvslInd>", details=details),
                )
            )
        )
    )
    assert (money_in.own_reference, money_in.end_to_end_id, money_in.uetr) == ("OUR-1", "E2E-1", "eb6305c9-1f7f-49de-aed0-16487c27b42d")
    assert (money_in.counterparty_name, money_in.counterparty_account) == ("Payer", IBAN)
    assert money_in.description == "Invoice 42 RF18539007547034"
    assert (money_out.end_to_end_id, money_out.counterparty_name, money_out.counterparty_account) == ("", "Payee", "123")
    assert "NOTPROVIDED" in money_out.raw
    assert returned.counterparty_name == "Payee"


def test_gives_every_reference_as_a_key_and_no_filler() -> None:
    references = (
        "<Refs><MsgId>MSG-1</MsgId><AcctSvcrRef>BANK-2</AcctSvcrRef><PmtInfId>PMT-1</PmtInfId><InstrId>NOTPROVIDED</InstrId>"
        "<EndToEndId>NOTPROVIDED</EndToEndId><UETR>EB6305C9-1F7F-49DE-AED0-16487C27B42D</UETR><MndtId>MANDATE-1</MndtId></Refs>"
    )
    remittance = "<RmtInf><Strd><CdtrRefInf><Ref>RF18539007547034</Ref></CdtrRefInf></Strd></RmtInf>"
    entry = entry_xml(more="<AcctSvcrRef>BANK-2</AcctSvcrRef>", details=f"<TxDtls>{references}{remittance}</TxDtls>")
    (line,) = lines(read_camt(camt_xml(statement_xml(entry))))
    assert set(line.keys) == {
        ("batch", "MSG-1"),
        ("bank_reference", "BANK-2"),
        ("batch", "PMT-1"),
        ("uetr", "eb6305c9-1f7f-49de-aed0-16487c27b42d"),
        ("mandate", "MANDATE-1"),
        ("external", "RF18539007547034"),
    }
    batch = "<Btch><MsgId>MSG-9</MsgId><NbOfTxs>2</NbOfTxs></Btch>"
    (line,) = lines(read_camt(camt_xml(statement_xml(entry_xml(details=batch + detail("4.00") + detail("6.00"))))))
    assert line.keys == (("batch", "MSG-9"),)
    assert line.facts == (("transactions", "2"),)


def test_says_where_a_batch_lists_other_payments_than_it_declares() -> None:
    batch = "<Btch><NbOfTxs>3</NbOfTxs></Btch>"
    (error,) = errors(read_camt(camt_xml(statement_xml(entry_xml(details=batch + detail("4.00") + detail("6.00"))))))
    assert (error.fatal, "declares 3 payments and lists 2" in error.message) == (False, True)
    assert not errors(read_camt(camt_xml(statement_xml(entry_xml(details=batch)))))


def test_shows_what_the_payer_instructed_the_rate_charges_and_why_it_came_back() -> None:
    amounts = (
        '<AmtDtls><InstdAmt><Amt Ccy="USD">11.00</Amt></InstdAmt><CntrValAmt><Amt Ccy="EUR">10.00</Amt><CcyXchg><XchgRate>1.1</XchgRate>'
        "</CcyXchg></CntrValAmt></AmtDtls>"
    )
    charges = '<Chrgs><TtlChrgsAndTaxAmt Ccy="EUR">0.30</TtlChrgsAndTaxAmt></Chrgs>'
    details = f"<TxDtls>{amounts}{charges}<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf></TxDtls>"
    (line,) = lines(read_camt(camt_xml(statement_xml(entry_xml(more="<NtryRef>N1</NtryRef>", details=details)))))
    assert line.facts == (
        ("instructed", "11.00 USD"),
        ("counter_value", "10.00 EUR"),
        ("rate", "1.1"),
        ("charges", "0.30 EUR"),
        ("return_reason", "AC04"),
        ("entry_reference", "N1"),
    )


# The totals of a message, where it declares any.
@pytest.mark.parametrize(
    "net",
    [
        "<TtlNetNtryAmt>8.00</TtlNetNtryAmt><CdtDbtInd>CRDT</CdtDbtInd>",
        "<TtlNetNtry><Amt>8.00</Amt><CdtDbtInd>CRDT</CdtDbtInd></TtlNetNtry>",
    ],
)
def test_compares_declared_totals_with_the_entries(net: str) -> None:
    total = f"<TtlNtries><NbOfNtries>2</NbOfNtries><Sum>12.00</Sum>{net}</TtlNtries>"
    credit = "<TtlCdtNtries><NbOfNtries>1</NbOfNtries><Sum>10.00</Sum></TtlCdtNtries>"
    debit = "<TtlDbtNtries><NbOfNtries>1</NbOfNtries><Sum>2.50</Sum></TtlDbtNtries>"
    entries = (entry_xml(), entry_xml("2.00", "DBIT"))
    events = read_camt(camt_xml(statement_xml(f"<TxsSummry>{total}{credit}{debit}</TxsSummry>", *entries)))
    controls = {event.name: (event.declared, event.found) for event in events if isinstance(event, ControlRead)}
    assert controls.pop("sum of debits") == (Decimal("2.50"), Decimal("2.00"))
    assert len(controls) == 6
    assert all(declared == found for declared, found in controls.values())


def test_totals_of_the_booked_entries_alone_are_as_good() -> None:
    summary = "<TxsSummry><TtlNtries><NbOfNtries>1</NbOfNtries></TtlNtries></TxsSummry>"
    events = read_camt(camt_xml(statement_xml(summary, entry_xml(), entry_xml(status="<Sts>PDNG</Sts>"))))
    assert [(event.declared, event.found) for event in events if isinstance(event, ControlRead)] == [(Decimal(1), Decimal(1))]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("<Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn>", "PMNT/RCDT/ESCT"),
        ("<Prtry><Cd>NTRF+166</Cd></Prtry>", "NTRF+166"),
    ],
)
def test_reads_the_transaction_code(code: str, expected: str) -> None:
    assert lines(read_camt(camt_xml(statement_xml(entry_xml(more=f"<BkTxCd>{code}</BkTxCd>")))))[0].transaction_code == expected


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE d SYSTEM "http://example.invalid/x">' + camt_xml(statement_xml()),
        '<!DOCTYPE d [<!ENTITY a "b">]>' + camt_xml(statement_xml()),
        '<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + camt_xml(statement_xml(entry_xml("&a;"))),
    ],
)
def test_refuses_document_types_and_entities(text: str) -> None:
    (error,) = fatal(read_camt(text))
    assert (error.field, error.place.line) == ("DOCTYPE", 1)


def test_refuses_a_file_that_was_cut_off_after_what_it_read() -> None:
    text = camt_xml(statement_xml(entry_xml()))
    events = read_camt(text[: text.index("</Stmt>")])
    assert signed(events) == [Decimal("10.00")]
    assert [error.field for error in fatal(events)] == ["XML"]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (camt_xml(), "Stmt"),
        ("", "Stmt"),
        ("<Document/>", "Stmt"),
        (camt_xml(statement_xml(balances=balance_xml("OPBD", "1.00") + balance_xml("CLBD", "x"))), "Bal"),
        (camt_xml(statement_xml(balances=balance_xml("OPBD", "1.00") + balance_xml("CLBD", "1.00", currency="SEK"))), "Amt"),
        (camt_xml(statement_xml(entry_xml(direction="BOTH"))), "CdtDbtInd"),
        (camt_xml(statement_xml(entry_xml(currency="euro"))), "Amt"),
        (camt_xml(statement_xml().replace(f"<IBAN>{IBAN}</IBAN>", "")), "Acct"),
        ("<a>" * 200, "XML"),
        (camt_xml(statement_xml(entry_xml(more=f"<AddtlNtryInf>{'x' * 3_000_000}</AddtlNtryInf>"))), "XML"),
    ],
)
def test_refuses_what_cannot_be_trusted(text: str, field: str) -> None:
    assert field in [error.field for error in fatal(read_camt(text))]


def test_counts_lines_after_empty_ones_before_the_document() -> None:
    events = read_camt("\ufeff\n\n<?xml version='1.0'?>\n" + camt_xml(statement_xml("\n" + entry_xml("x"))))
    assert fatal(events)[0].place.line == 5


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "iso-8859-1", "windows-1252"])
def test_reads_declared_encodings(encoding: str) -> None:
    declared = encoding.removesuffix("-sig")
    text = f"<?xml version='1.0' encoding='{declared}'?>" + camt_xml(statement_xml(entry_xml(more="<AddtlNtryInf>Gebühr</AddtlNtryInf>")))
    assert lines(read_camt(text.encode(encoding)))[0].description == "Gebühr"


def test_a_balance_without_a_sign_is_a_credit_and_the_proof_shows_it() -> None:
    written = (balance_xml("OPBD", "10.00") + balance_xml("CLBD", "12.00")).replace("<CdtDbtInd>CRDT</CdtDbtInd>", "")
    events = read_camt(camt_xml(statement_xml(entry_xml("2.00"), balances=written)))
    assert [error.fatal for error in errors(events)] == [False, False]
    assert chains(events)[0].proof.status == "proven"
    assert fatal(read_camt(camt_xml(statement_xml(balances=written.replace("<Dt>", "<CdtDbtInd>X</CdtDbtInd><Dt>", 1)))))


def test_an_undated_entry_is_of_the_only_day_of_its_statement() -> None:
    undated = re.sub("<(BookgDt|ValDt)>.*?</(BookgDt|ValDt)>", "", entry_xml("2.00"))
    day = balance_xml("OPBD", "10.00") + balance_xml("CLBD", "12.00")
    (line,) = lines(read_camt(camt_xml(statement_xml(undated, balances=day))))
    assert (line.booking_date, line.value_date) == (date(2024, 1, 3), date(2024, 1, 3))
    several = balance_xml("OPBD", "10.00", day="2024-01-02") + balance_xml("CLBD", "12.00")
    assert [error.field for error in fatal(read_camt(camt_xml(statement_xml(undated, balances=several))))] == ["BookgDt"]


def test_many_remarks_refuse_nothing_and_are_counted() -> None:
    undated = re.sub("<(BookgDt|ValDt)>.*?</(BookgDt|ValDt)>", "", entry_xml("1.00"))
    day = balance_xml("OPBD", "0.00") + balance_xml("CLBD", "300.00")
    events = read_camt(camt_xml(statement_xml(*[undated] * 300, balances=day)))
    assert not fatal(events)
    assert chains(events)[0].proof.status == "proven"
    assert "100 further remarks" in errors(events)[-1].message
