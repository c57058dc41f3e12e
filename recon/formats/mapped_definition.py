"""The definition of a mapping: JSON in, checked completely, plain values out. docs/formats.md describes every key."""

from __future__ import annotations

from collections.abc import Mapping as Json
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from recon.formats.events import KEY_KINDS, Kind
from recon.formats.mapped_parts import MappingRefused, Part
from recon.formats.mapped_table import ENCODINGS
from recon.formats.mapped_values import EPOCHS, THOUSANDS, DateRule, Negative, NumberRule, date_pattern

FORMATS = ("csv", "fixed", "xlsx", "json", "xml")
TEXTS = ("reference", "end_to_end_id", "bank_reference", "counterparty", "counterparty_account", "transaction_code")
MANY_MAX = 50

Sign = Literal["signed", "columns", "indicator"]
Order = Literal["oldest_first", "newest_first"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A value that is the same for the whole file, or stands in a column."""

    fixed: str = ""
    column: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """True of a row whose cell in `column` is one of `equals`, begins with one of `begins`, or is empty."""

    column: str
    equals: tuple[str, ...] = ()
    begins: tuple[str, ...] = ()
    empty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountRule:
    """Where the amount stands and what gives its direction; `inverted` turns the view of a card issuer into the holder's."""

    sign: Sign
    number: NumberRule
    column: str = ""
    debit: str = ""
    credit: str = ""
    debit_written: Literal["positive", "negative"] = "positive"
    indicator: str = ""
    debit_values: tuple[str, ...] = ()
    credit_values: tuple[str, ...] = ()
    inverted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningRule:
    """A balance after each row, which proves the file row by row."""

    column: str
    number: NumberRule


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceRule:
    """A balance that the file states once: in a row of its own, in a cell above the rows, or at a path outside the records."""

    number: NumberRule
    where: Condition | None = None
    column: str = ""
    row: int = 0
    cell: int = 0
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRule:
    """The last day that the file reports on, said once: in a cell above the rows, or at a path outside the records."""

    date: DateRule
    row: int = 0
    cell: int = 0
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalsRule:
    """A row that holds totals instead of a movement; each column that is named is compared with what was read."""

    where: Condition
    number: NumberRule
    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    format: str
    encoding: str
    layout: Part
    kind: Kind
    account: Choice
    currency: Choice
    booking_date: DateRule
    value_date: DateRule | None
    amount: AmountRule
    texts: tuple[tuple[str, str], ...]
    description: tuple[str, ...]
    keys: tuple[tuple[str, str], ...]
    facts: tuple[tuple[str, str], ...]
    booked: Condition | None
    balance_after: RunningRule | None
    order: Order
    opening: BalanceRule | None
    closing: BalanceRule | None
    totals: TotalsRule | None
    day: DayRule | None
    skip: tuple[Condition, ...]

    def columns(self) -> tuple[str, ...]:
        """Return every column the mapping reads, each once."""
        named = [self.booking_date.column, self.account.column, self.currency.column]
        named += [self.value_date.column if self.value_date else "", self.amount.column, self.amount.debit, self.amount.credit]
        named += [self.amount.indicator, *(column for _, column in (*self.texts, *self.keys, *self.facts)), *self.description]
        conditions = [self.booked, *self.skip, self.totals.where if self.totals else None]
        for balance in (self.opening, self.closing):
            if balance:
                conditions.append(balance.where)
                named.append(balance.column)
        named += [condition.column for condition in conditions if condition]
        named += [column for _, column in self.totals.columns] if self.totals else []
        named.append(self.balance_after.column if self.balance_after else "")
        return tuple(dict.fromkeys(filter(None, named)))

    def paths(self) -> tuple[str, ...]:
        """Return the paths of values outside the records."""
        return tuple(rule.path for rule in (self.opening, self.closing, self.day) if rule and rule.path)


def head(definition: Json[str, Any]) -> tuple[str, str, Part]:
    """Return the format, the encoding and the layout of a definition, whatever else it holds or lacks.

    :raises MappingRefused: naming the key that is missing or wrong.
    """
    part = Part(definition, "")
    return _head(part)


def _head(part: Part) -> tuple[str, str, Part]:
    code = part.choice("format", FORMATS)
    # The two that carry their own encoding need none said.
    encoding = part.choice("encoding", tuple(ENCODINGS)) if code in ("csv", "fixed") else ""
    return code, encoding, part.part("layout")


def parse(definition: Json[str, Any]) -> Definition:
    """Check a definition whole.

    :raises MappingRefused: naming the first key that is missing, unknown or wrong.
    """
    part = Part(definition, "")
    code, encoding, layout = _head(part)
    number = _number(part.part("numbers"))
    parsed = Definition(
        format=code,
        encoding=encoding,
        layout=layout,
        kind=cast("Kind", part.choice("kind", tuple(one for one in get_args(Kind)), default="statement")),
        account=_choice(part.part("account"), needed=False) if part.has("account") else Choice(),
        currency=_currency(part.part("currency")),
        booking_date=_date(part.part("booking_date"), code),
        value_date=_date(part.part("value_date"), code) if part.has("value_date") else None,
        amount=_amount(part.part("amount"), number),
        texts=tuple((name, part.text(name)) for name in TEXTS if part.has(name)),
        description=part.texts("description") if part.has("description") else (),
        keys=_pairs(part, "keys", KEY_KINDS),
        facts=_pairs(part, "facts", None),
        booked=_condition(part.part("booked")) if part.has("booked") else None,
        balance_after=_running(part.part("balance_after"), number) if part.has("balance_after") else None,
        order=cast("Order", part.choice("order", get_args(Order), default="" if part.has("balance_after") else "oldest_first")),
        opening=_balance(part.part("opening"), number, code) if part.has("opening") else None,
        closing=_balance(part.part("closing"), number, code) if part.has("closing") else None,
        totals=_totals(part.part("totals"), number) if part.has("totals") else None,
        day=_day(part.part("day"), code) if part.has("day") else None,
        skip=tuple(_condition(one) for one in part.parts("skip")) if part.has("skip") else (),
    )
    part.done()
    if (parsed.account.column or parsed.currency.column) and any(rule and not rule.where for rule in (parsed.opening, parsed.closing)):
        message = "a balance outside the rows belongs to one account and one currency: give both as fixed, or the balance in a row"
        raise MappingRefused("opening" if parsed.opening and not parsed.opening.where else "closing", message)
    return parsed


def _choice(part: Part, *, needed: bool = True) -> Choice:
    one = Choice(
        fixed=part.text("fixed") if part.has("fixed") else "",
        column=part.text("column") if part.has("column") else "",
    )
    part.done()
    if bool(one.fixed) == bool(one.column):
        raise MappingRefused(part.path, f"give either a fixed value or a column{'' if needed else ', or leave this out'}")
    return one


def _currency(part: Part) -> Choice:
    one = _choice(part)
    if one.fixed and not (one.fixed.isascii() and one.fixed.isalnum() and one.fixed.isupper() and len(one.fixed) <= 20):
        raise MappingRefused(f"{part.path}.fixed", "a currency is written in capitals, such as EUR or USDC")
    return one


def _day(part: Part, code: str) -> DayRule:
    if code in ("json", "xml"):
        path = part.text("path")
        return DayRule(date=_written(part, code, column=path), path=path)
    row, cell = part.number("row", low=1, high=100), part.number("cell", low=1, high=500)
    return DayRule(date=_written(part, code, column=f"cell {cell}"), row=row, cell=cell)


def _date(part: Part, code: str) -> DateRule:
    return _written(part, code, column=part.text("column"))


def _written(part: Part, code: str, *, column: str) -> DateRule:
    if not part.has("format"):
        message = "say how days are written, such as DD.MM.YYYY: 01/02/2026 is another day in another country, and nothing here guesses"
        raise MappingRefused(f"{part.path}.format", message)
    pattern = part.text("format", strip=False)
    zone = ""
    if pattern in EPOCHS:
        zone = part.text("time_zone")
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise MappingRefused(f"{part.path}.time_zone", "this is no time zone, such as Europe/Berlin or UTC") from None
    elif pattern == "cell":
        if code != "xlsx":
            raise MappingRefused(f"{part.path}.format", "only spreadsheets have cells that are days; write a pattern")
    else:
        try:
            date_pattern(pattern)
        except ValueError as error:
            raise MappingRefused(f"{part.path}.format", str(error)) from None
    part.done()
    return DateRule(column=column, pattern=pattern, time_zone=zone)


def _number(part: Part) -> NumberRule:
    minor = part.choice("units", ("major", "minor"), default="major") == "minor"
    decimal = part.choice("decimal", (".", ",", "") if minor else (".", ","), strip=False)
    thousands = part.choice("thousands", THOUSANDS, strip=False)
    if thousands and thousands == decimal:
        raise MappingRefused(f"{part.path}.thousands", "the decimal sign and the thousands sign must differ")
    negative = cast("Negative", part.choice("negative", get_args(Negative), default="leading_minus"))
    scales = _scales(part)
    affixes = part.texts("affixes") if part.has("affixes") else ()
    if any(any(sign in "0123456789+-()" for sign in affix) for affix in affixes):
        raise MappingRefused(f"{part.path}.affixes", "what stands around numbers, such as EUR, holds neither digits nor signs")
    part.done()
    return NumberRule(decimal=decimal, thousands=thousands, negative=negative, minor=minor, scales=scales, affixes=affixes)


def _scales(part: Part) -> tuple[tuple[str, int], ...]:
    if not part.has("scales"):
        return ()
    scales = part.part("scales")
    found = tuple((code, scales.number(code, low=0, high=36)) for code in scales.names())
    scales.done()
    return found


def _amount(part: Part, number: NumberRule) -> AmountRule:
    sign = cast("Sign", part.choice("sign", get_args(Sign)))
    inverted = part.flag("inverted") if part.has("inverted") else False
    if sign == "columns":
        written = cast("Literal['positive', 'negative']", part.choice("debit_written", ("positive", "negative")))
        debit, credit = part.text("debit"), part.text("credit")
        if debit == credit:
            raise MappingRefused(f"{part.path}.credit", "debits and credits stand in two columns; for one the sign is signed or indicator")
        rule = AmountRule(sign=sign, number=number, debit=debit, credit=credit, debit_written=written, inverted=inverted)
    elif sign == "indicator":
        debits, credits_ = part.texts("debit_values"), part.texts("credit_values")
        if set(debits) & set(credits_):
            raise MappingRefused(f"{part.path}.credit_values", "no value can mean both a debit and a credit")
        rule = AmountRule(
            sign=sign,
            number=number,
            column=part.text("column"),
            indicator=part.text("indicator"),
            debit_values=debits,
            credit_values=credits_,
            debit_written=cast(
                "Literal['positive', 'negative']", part.choice("debit_written", ("positive", "negative"), default="positive")
            ),
            inverted=inverted,
        )
    else:
        rule = AmountRule(sign=sign, number=number, column=part.text("column"), inverted=inverted)
    part.done()
    return rule


def _running(part: Part, number: NumberRule) -> RunningRule:
    rule = RunningRule(column=part.text("column"), number=number)
    part.done()
    return rule


def _condition(part: Part) -> Condition:
    rule = Condition(
        column=part.text("column"),
        equals=part.texts("equals") if part.has("equals") else (),
        begins=part.texts("begins") if part.has("begins") else (),
        empty=part.flag("empty") if part.has("empty") else False,
    )
    part.done()
    if not (rule.equals or rule.begins or rule.empty):
        raise MappingRefused(part.path, "say which cells are meant: equals, begins or empty")
    return rule


def _balance(part: Part, number: NumberRule, code: str) -> BalanceRule:
    if part.has("where"):
        rule = BalanceRule(number=number, where=_condition(part.part("where")), column=part.text("column"))
    elif code in ("json", "xml"):
        rule = BalanceRule(number=number, path=part.text("path"))
    else:
        rule = BalanceRule(number=number, row=part.number("row", low=1, high=100), cell=part.number("cell", low=1, high=500))
    part.done()
    return rule


def _totals(part: Part, number: NumberRule) -> TotalsRule:
    where = _condition(part.part("where"))
    columns = tuple((name, part.text(name)) for name in ("count", "sum", "credits", "debits") if part.has(name))
    part.done()
    if not columns:
        raise MappingRefused(part.path, "name the columns that hold totals: count, sum, credits or debits")
    return TotalsRule(where=where, number=number, columns=columns)


def _pairs(part: Part, name: str, allowed: frozenset[str] | None) -> tuple[tuple[str, str], ...]:
    if not part.has(name):
        return ()
    inner = part.part(name)
    names = inner.names()
    if len(names) > MANY_MAX:
        raise MappingRefused(inner.path, f"more than {MANY_MAX} are too many")
    for one in names:
        if allowed is not None and one not in allowed:
            raise MappingRefused(f"{inner.path}.{one}", f"there is no kind of key {one!r}; there are {', '.join(sorted(allowed))}")
        if not one or len(one) > 40:
            raise MappingRefused(inner.path, "a name has between 1 and 40 characters")
    found = tuple((one, inner.text(one)) for one in names)
    inner.done()
    return found
