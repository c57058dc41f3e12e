"""What an entry can be found by, and what is worth showing of it besides."""

from __future__ import annotations

from recon.formats import camt_values as values
from recon.formats.text import key, one_line
from recon.formats.xml_stream import Node

# Paths below the single TxDtls of an entry. The creditor's reference is the one that we gave to the payer.
_DETAIL_KEYS = {
    "EndToEndId": "end_to_end",
    "UETR": "uetr",
    "InstrId": "instruction",
    "MndtId": "mandate",
    "AcctSvcrRef": "bank_reference",
    "AcctOwnrTxId": "own_reference",
    "PmtInfId": "batch",
    "MsgId": "batch",
    "ClrSysRef": "trace",
}
_CREDITOR_REFERENCES = ("CdtrRefInf/Ref", "CdtrRefInf/CdtrRef")
_ENTRY_KEYS = (("bank_reference", "AcctSvcrRef"), ("batch", "NtryDtls/Btch/PmtInfId"), ("batch", "NtryDtls/Btch/MsgId"))

_DETAIL_FACTS = (
    ("return_reason", ("RtrInf/Rsn/Cd", "RtrInf/Rsn/Prtry")),
    ("purpose", ("Purp/Cd", "Purp/Prtry")),
    ("cheque", ("Refs/ChqNb",)),
    ("transaction", ("Refs/TxId",)),
)
_CHARGES = ("TtlChrgsAndTaxAmt", "Rcrd/Amt", "Amt")
_ORIGINALS = {"InstdAmt": "instructed", "TxAmt": "transaction_amount", "CntrValAmt": "counter_value"}


def keys_of(entry: Node, detail: Node) -> tuple[tuple[str, str], ...]:
    """Return the references of an entry and of its only detail, each once, without fillers."""
    found: list[tuple[str, str]] = []
    references, remittance = detail.child("Refs"), detail.child("RmtInf")
    if references:
        for node in references.children:
            kind = _DETAIL_KEYS.get(node.name)
            if kind:
                found.append((kind, node.text.lower() if kind == "uetr" else node.text))
    if remittance:
        found += [("external", structured.get(*_CREDITOR_REFERENCES)) for structured in remittance.every("Strd")]
    found += [(kind, entry.get(path)) for kind, path in _ENTRY_KEYS]
    return tuple(dict.fromkeys((kind, text) for kind, written in found if (text := key(written))))


def facts_of(entry: Node, detail: Node, count: int) -> tuple[tuple[str, str], ...]:
    """Return amounts in other currencies with their rate, charges, the reason of a return, and how many payments a batch has."""
    facts: list[tuple[str, str]] = []
    currency = values.currency(entry.find("Amt"))
    for node in (detail, entry):
        amounts = node.child("AmtDtls")
        for original in amounts.children if amounts else ():
            name = _ORIGINALS.get(original.name)
            if name is None:
                continue
            amount, rate = original.child("Amt"), original.get("CcyXchg/XchgRate")
            if amount and (values.currency(amount) != currency or rate):
                facts.append((name, f"{one_line(amount.text)} {values.currency(amount)}".strip()))
            if rate:
                facts.append(("rate", rate))
        charges = node.child("Chrgs")
        charge = next((found for path in _CHARGES if (found := charges.find(path))), None) if charges else None
        if charge:
            facts.append(("charges", f"{one_line(charge.text)} {values.currency(charge)}".strip()))
    for name, paths in _DETAIL_FACTS:
        if text := one_line(detail.get(*paths)):
            facts.append((name, text))
    if text := one_line(entry.get("NtryRef")):
        facts.append(("entry_reference", text))
    declared = batch_count(entry)
    if declared is not None or count > 1:
        facts.append(("transactions", str(count if declared is None else declared)))
    return tuple(dict.fromkeys(facts))


def batch_count(entry: Node) -> int | None:
    """Return how many payments the batches of an entry declare, None where none does."""
    counts = [
        text for details in entry.every("NtryDtls") if (text := details.get("Btch/NbOfTxs")).isascii() and text.isdigit() and len(text) < 16
    ]
    return sum(map(int, counts)) if counts else None
