"""The free text of an MT940 line (:86: or :NS:): who, what for, and the payment's own references, as far as it says.

Three families exist: subfields ?20, ?32 ... (German, Polish and others, separator varies), slash words /EREF/ ... (Dutch
and others), and plain text. What is not understood stays text; nothing here can make a statement wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from recon.formats.text import iban, key, one_line

WRAP_WIDTH = 64
SUBFIELD_WIDTH = 27

_SUBFIELDS = re.compile(r"\s*[0-9]{3}([?<>@^~#+])(?=[0-9]{2})")
_SEPA_WORD = re.compile(r"(EREF|KREF|MREF|CRED|DEBT|COAM|OAMT|RREF|SVWZ|ABWA|ABWE|IBAN|BIC|PURP|MTLG)[+:]")
_SLASH_WORD = re.compile(
    r"/(ADDR|BENM|BIC|CNTP|CSID|EREF|IBAN|ID|ISDT|KREF|MARF|NAME|ORDP|PREF|PURP|REMI|RTRN|TRCD|TRTP|UETR|ULTB|ULTC|ULTD)/"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrative:
    description: str = ""
    end_to_end_id: str = ""
    own_reference: str = ""
    uetr: str = ""
    mandate: str = ""
    counterparty_name: str = ""
    counterparty_account: str = ""
    facts: tuple[tuple[str, str], ...] = ()


def narrative(texts: list[str]) -> Narrative:
    """Read the text of :86: fields, given as lines in file order."""
    joined = "".join(texts)
    if match := _SUBFIELDS.match(joined):
        return _subfields(joined[match.end(1) - 1 :], separator=match[1])
    if joined.lstrip().startswith("/") and _SLASH_WORD.search(joined):
        return _slash_words(joined)
    return Narrative(description=_plain(texts))


def _plain(texts: list[str]) -> str:
    return one_line(_run_on(texts, width=WRAP_WIDTH))


def _run_on(parts: list[str], *, width: int) -> str:
    """A full part runs on into the next without a space, a short one ended by intent."""
    return "".join(part if len(part) >= width else part + " " for part in parts)


def _subfields(text: str, *, separator: str) -> Narrative:
    found: dict[str, str] = {}
    purpose: list[str] = []
    name: list[str] = []
    for part in re.split(re.escape(separator) + r"(?=[0-9]{2})", text)[1:]:
        code, content = part[:2], part[2:]
        found[code] = found.get(code, "") + content
        if "20" <= code <= "29" or "60" <= code <= "63":
            purpose.append(content)
        elif code in ("32", "33"):
            name.append(content)
    words = _words(_run_on(purpose, width=SUBFIELD_WIDTH), _SEPA_WORD)
    remittance = words.get("SVWZ") or words.get("") or found.get("00", "")
    return Narrative(
        description=one_line(remittance),
        end_to_end_id=key(words.get("EREF", "")),
        own_reference=key(words.get("KREF", "")),
        mandate=key(words.get("MREF", "")),
        counterparty_name=one_line(_run_on(name, width=SUBFIELD_WIDTH)),
        counterparty_account=_account(found.get("31", "") or found.get("38", "") or words.get("IBAN", "")),
        facts=_facts(words),
    )


def _slash_words(text: str) -> Narrative:
    words = _words(text, _SLASH_WORD)
    parties = words.get("CNTP", "").split("/")
    named = parties[2] if len(parties) > 2 else ""
    return Narrative(
        description=one_line(words.get("REMI", "").removeprefix("USTD//").strip("/") or text),
        end_to_end_id=key(words.get("EREF", "").strip("/")),
        own_reference=key((words.get("KREF", "") or words.get("PREF", "")).strip("/")),
        uetr=key(words.get("UETR", "").strip("/")).lower(),
        mandate=key(words.get("MARF", "").strip("/")),
        counterparty_name=one_line(words.get("NAME", "").strip("/") or named),
        counterparty_account=_account(words.get("IBAN", "").strip("/") or parties[0]),
        facts=_facts(words),
    )


def _facts(words: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the amounts, the reason of a return and the purpose that a text states beside what it says."""
    named = (("instructed", "OAMT"), ("charges", "COAM"), ("return_reason", "RTRN"), ("purpose", "PURP"))
    return tuple((name, text) for name, word in named if (text := one_line(words.get(word, "").strip("/"))))


def _words(text: str, word: re.Pattern[str]) -> dict[str, str]:
    """Split text at its key words; what stands before the first one has the key ""."""
    first, *rest = word.split(text)
    found = {"": first.strip()}
    for name, content in zip(rest[::2], rest[1::2], strict=True):
        found.setdefault(name, content.strip())
    return found


def _account(text: str) -> str:
    return iban(text) or one_line(text)


def old_narrative(texts: list[str]) -> Narrative:
    """Read :NS: lines, each led by a two-digit code: 01 to 14 purpose, 15 and 16 name, 34 account."""
    parts = [(text[:2], text[2:].strip()) for text in texts]
    return Narrative(
        description=one_line(" ".join(content for code, content in parts if "01" <= code <= "14")),
        counterparty_name=one_line(" ".join(content for code, content in parts if code in ("15", "16"))),
        counterparty_account=_account(next((content for code, content in parts if code == "34"), "")),
    )
