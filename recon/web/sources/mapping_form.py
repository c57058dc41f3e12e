"""The mapping editor's form: every setting of a definition is a field, and each is said by a person."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms

from recon.formats.events import KEY_KINDS
from recon.formats.mapped_definition import FORMATS
from recon.formats.mapped_table import ENCODINGS

FORMAT_WORDS = {"csv": "CSV, separated columns", "fixed": "Fixed width", "xlsx": "XLSX spreadsheet", "json": "JSON", "xml": "XML"}
assert set(FORMAT_WORDS) == set(FORMATS)
UNSAID = ("", "Choose")
TAB, SPACE, NONE = "tab", "space", "none"
SIGNS = {TAB: "\t", SPACE: " ", NONE: ""}
TEXT_COLUMNS = {
    "reference_column": "reference",
    "end_to_end_column": "end_to_end_id",
    "bank_reference_column": "bank_reference",
    "counterparty_column": "counterparty",
    "counterparty_account_column": "counterparty_account",
    "code_column": "transaction_code",
}
# Which field of the form a path of the definition is said in, where the two are not named alike.
FIELD_OF = {
    "layout.columns": "columns",
    "layout": "format",
    "account": "account_how",
    "account.fixed": "account_fixed",
    "account.column": "account_column",
    "currency": "currency_fixed",
    "currency.fixed": "currency_fixed",
    "currency.column": "currency_column",
    "numbers": "decimal",
    "booking_date": "booking_column",
    "booking_date.column": "booking_column",
    "booking_date.format": "booking_format",
    "booking_date.time_zone": "time_zone",
    "value_date.column": "value_column",
    "value_date.format": "value_format",
    "value_date.time_zone": "time_zone",
    "amount": "sign",
    "amount.column": "amount_column",
    "amount.debit": "debit_column",
    "amount.credit": "credit_column",
    "amount.indicator": "indicator_column",
    "balance_after": "balance_column",
    "balance_after.column": "balance_column",
    "description": "description_columns",
    **{path: field for field, path in TEXT_COLUMNS.items()},
}
_WORDS = re.compile(r"\s*[,\n]\s*")


def _column(label: str, help_text: str = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        max_length=200,
        help_text=help_text,
        widget=forms.TextInput(attrs={"list": "columns", "autocomplete": "off"}),
    )


def _pattern(label: str, help_text: str) -> forms.CharField:
    widget = forms.TextInput(attrs={"list": "patterns", "autocomplete": "off"})
    return forms.CharField(label=label, required=False, max_length=40, widget=widget, help_text=help_text, strip=False)


def _lines(label: str, help_text: str, rows: int = 2) -> forms.CharField:
    return forms.CharField(label=label, required=False, max_length=4000, help_text=help_text, widget=forms.Textarea(attrs={"rows": rows}))


def _choice(label: str, choices: Iterable[tuple[str, str]], help_text: str = "") -> forms.ChoiceField:
    return forms.ChoiceField(label=label, required=False, choices=[UNSAID, *choices], help_text=help_text)


class MappingForm(forms.Form):
    """A definition field by field; what is missing or wrong is for the engine to say, once, by the path of its key."""

    format = _choice("The file is", FORMAT_WORDS.items())
    encoding = _choice("Encoding", [(code, code) for code in ENCODINGS], "Of CSV and fixed width; the others carry their own.")
    delimiter = _choice(
        "Columns are separated by", [(",", "comma"), (";", "semicolon"), (TAB, "tab"), ("|", "bar"), (":", "colon"), ("^", "caret")]
    )
    quote = _choice("Cells may be quoted with", [('"', 'double quotes "'), ("'", "single quotes '"), (NONE, "nothing")])
    header_row = forms.IntegerField(
        label="Line with the names", required=False, min_value=0, help_text="As an editor counts; 0 if there is none."
    )
    skip_rows = forms.IntegerField(label="Rows to pass over", required=False, min_value=0, help_text="Under the names, or at the top.")
    footer_rows = forms.IntegerField(label="Rows of a footer", required=False, min_value=0)
    multiline = forms.BooleanField(label="A quoted cell may run over several lines", required=False)
    columns = _lines("Columns", "CSV without names: one name each, in order. Fixed width: name, first character and width in each line.", 4)
    line_width = forms.IntegerField(
        label="Characters of a line", required=False, min_value=0, help_text="Fixed width; a line of another length is cut."
    )
    sheet = forms.CharField(label="Sheet", required=False, max_length=100, help_text="XLSX; the first one where empty.")
    records = forms.CharField(
        label="Path of the records", required=False, max_length=200, help_text="JSON: data/items. XML: Document/Entries/Entry."
    )
    json_lines = forms.BooleanField(label="Each line is a record of its own", required=False)

    kind = _choice(
        "It is",
        [
            ("statement", "a statement"),
            ("report", "a report of a processor or custodian"),
            ("intraday", "an intraday report"),
            ("notification", "a notification"),
        ],
    )
    account_how = _choice(
        "The account", [("source", "is this source's"), ("column", "stands in a column"), ("fixed", "is always this one")]
    )
    account_column = _column("Account column")
    account_fixed = forms.CharField(label="Account", required=False, max_length=60)
    currency_fixed = forms.CharField(label="Currency of all rows", required=False, max_length=20)
    currency_column = _column("or currency column")

    booking_column = _column("Booking date")
    booking_format = _pattern("is written", "DD.MM.YYYY, MM/DD/YYYY, YYYYMMDD, unix …")
    value_column = _column("Value date")
    value_format = _pattern("is written", "Where it is not written as the booking date, say so.")
    time_zone = forms.CharField(label="Time zone", required=False, max_length=60, help_text="Of unix times only.")

    decimal = _choice("Decimal sign", [(".", "point"), (",", "comma"), (NONE, "none, whole minor units")])
    thousands = _choice("Thousands sign", [(NONE, "none"), (".", "point"), (",", "comma"), (SPACE, "space"), ("'", "apostrophe")])
    negative = _choice(
        "Negative numbers have", [("leading_minus", "a minus before"), ("trailing_minus", "a minus after"), ("parentheses", "parentheses")]
    )
    units = _choice("Amounts are in", [("major", "major units (12.34)"), ("minor", "minor units (1234)")])
    affixes = forms.CharField(
        label="Signs around numbers", required=False, max_length=100, help_text="Such as EUR, €; separated by commas."
    )
    scales = forms.CharField(label="Decimals of other assets", required=False, max_length=200, help_text="USDC = 6; only with minor units.")

    sign = _choice(
        "Debit or credit", [("signed", "by the sign of the amount"), ("columns", "by two columns"), ("indicator", "by a word in a column")]
    )
    amount_column = _column("Amount")
    debit_column = _column("Debit column")
    credit_column = _column("Credit column")
    debit_written = _choice("Debits are written", [("positive", "without a sign"), ("negative", "negative")])
    indicator_column = _column("Column with the word")
    debit_values = forms.CharField(label="Words for a debit", required=False, max_length=200, help_text="D, Soll")
    credit_values = forms.CharField(label="Words for a credit", required=False, max_length=200, help_text="C, Haben")
    inverted = forms.BooleanField(label="The file takes the bank's view: turn every direction around", required=False)

    reference_column = _column("Reference")
    end_to_end_column = _column("End-to-end id")
    bank_reference_column = _column("Bank's reference")
    counterparty_column = _column("Counterparty")
    counterparty_account_column = _column("Their account")
    code_column = _column("Transaction code")
    description_columns = _lines("Description", "Columns, joined by spaces; one in each line, or separated by commas.")
    keys = _lines("Keys", f"What a line can be found by: payout = Payout ID. Kinds: {', '.join(sorted(KEY_KINDS))}.")
    facts = _lines("Facts", "What is shown with a line: fee = Fee amount.")

    balance_column = _column("Running balance", "Proves the file row by row.")
    order = _choice("Rows are in order", [("oldest_first", "oldest first"), ("newest_first", "newest first")])
    booked_column = _column("Booked only if the column")
    booked_values = forms.CharField(label="says", required=False, max_length=200)
    skip = _lines("Rows that are none", "One rule in each line: Type = Total, Opening; or Text begins Total; or Amount is empty.")
    more = _lines("Opening, closing, totals, day", 'As JSON, such as {"opening": {"row": 2, "cell": 3}}.')

    def definition(self) -> dict[str, Any]:
        """Return what was said as a definition; what was not said is left out."""
        values: Mapping[str, Any] = self.cleaned_data
        found: dict[str, Any] = {
            "format": values["format"],
            "encoding": values["encoding"],
            "layout": _layout(values),
            "kind": values["kind"],
        }
        found["account"] = {"column": {"column": values["account_column"]}, "fixed": {"fixed": values["account_fixed"]}}.get(
            values["account_how"]
        )
        found["currency"] = {"fixed": values["currency_fixed"].upper(), "column": values["currency_column"]}
        found["numbers"] = {
            "decimal": _sign(values["decimal"]),
            "thousands": _sign(values["thousands"]),
            "negative": values["negative"],
            "units": values["units"],
            "affixes": _list(values["affixes"]),
            "scales": {name: int(scale) for name, scale in _pairs(values["scales"]).items() if scale.isdecimal()},
        }
        for name in ("booking", "value"):
            column, pattern = values[f"{name}_column"], values[f"{name}_format"]
            zone = values["time_zone"] if pattern.startswith("unix") else ""
            found[f"{name}_date"] = {"column": column, "format": pattern, "time_zone": zone} if column else {}
        found["amount"] = _amount(values)
        found |= {path: values[field] for field, path in TEXT_COLUMNS.items()}
        found |= {"description": _list(values["description_columns"]), "keys": _pairs(values["keys"]), "facts": _pairs(values["facts"])}
        found["balance_after"] = {"column": values["balance_column"]}
        found["order"] = values["order"]
        found["booked"] = {"column": values["booked_column"], "equals": _list(values["booked_values"])}
        found["skip"] = [rule for line in values["skip"].splitlines() if (rule := _rule(line))]
        return {**_without_nothing(found), **_json(values["more"])}

    def clean_more(self) -> str:
        text: str = self.cleaned_data["more"]
        try:
            said = json.loads(text or "{}")
        except ValueError as error:
            raise forms.ValidationError("This is no JSON.") from error
        if not isinstance(said, dict):
            raise forms.ValidationError("This must be an object, in braces.")
        return text


def initial_of(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that say a definition, to start another version from it."""
    layout, numbers, amount = (definition.get(name) or {} for name in ("layout", "numbers", "amount"))
    account, currency = definition.get("account") or {}, definition.get("currency") or {}
    words = {sign: word for word, sign in SIGNS.items()}
    found: dict[str, Any] = {name: definition.get(name, "") for name in ("format", "encoding", "kind", "order")}
    found |= {
        name: layout[name] for name in ("header_row", "skip_rows", "footer_rows", "multiline", "line_width", "sheet") if name in layout
    }
    found |= {name: words.get(layout[name], layout[name]) for name in ("delimiter", "quote") if name in layout}
    found |= {"json_lines": layout.get("lines", False), "records": layout.get("records") or layout.get("record", "")}
    found["columns"] = "\n".join(
        one if isinstance(one, str) else f"{one['name']}, {one['start']}, {one['width']}" for one in layout.get("columns", ())
    )
    found |= {"account_how": "column" if "column" in account else "fixed" if "fixed" in account else "source"}
    found |= {"account_column": account.get("column", ""), "account_fixed": account.get("fixed", "")}
    found |= {"currency_fixed": currency.get("fixed", ""), "currency_column": currency.get("column", "")}
    found |= {name: words.get(numbers[name], numbers[name]) for name in ("decimal", "thousands") if name in numbers}
    found |= {name: numbers.get(name, "") for name in ("negative", "units")}
    found["affixes"] = ", ".join(numbers.get("affixes", ()))
    found["scales"] = ", ".join(f"{name} = {scale}" for name, scale in numbers.get("scales", {}).items())
    for name in ("booking", "value"):
        said = definition.get(f"{name}_date") or {}
        found |= {f"{name}_column": said.get("column", ""), f"{name}_format": said.get("format", "")}
        found["time_zone"] = found.get("time_zone") or said.get("time_zone", "")
    found |= {"sign": amount.get("sign", ""), "amount_column": amount.get("column", ""), "inverted": amount.get("inverted", False)}
    found |= {f"{name}_column": amount.get(name, "") for name in ("debit", "credit", "indicator")}
    found |= {"debit_written": amount.get("debit_written", "")}
    found |= {name: ", ".join(amount.get(name, ())) for name in ("debit_values", "credit_values")}
    found |= {field: definition.get(path, "") for field, path in TEXT_COLUMNS.items()}
    found["description_columns"] = "\n".join(definition.get("description", ()))
    found |= {name: "\n".join(f"{key} = {column}" for key, column in (definition.get(name) or {}).items()) for name in ("keys", "facts")}
    booked = definition.get("booked") or {}
    found |= {"balance_column": (definition.get("balance_after") or {}).get("column", "")}
    found |= {"booked_column": booked.get("column", ""), "booked_values": ", ".join(booked.get("equals", ()))}
    found["skip"] = "\n".join(_rule_words(rule) for rule in definition.get("skip", ()))
    more = {name: definition[name] for name in ("opening", "closing", "totals", "day") if name in definition}
    found["more"] = json.dumps(more, ensure_ascii=False) if more else ""
    return found


def field_of(path: str) -> str | None:
    """Return the field in which a path of the definition is said."""
    if path in FIELD_OF:
        return FIELD_OF[path]
    last = path.rpartition(".")[2].partition("[")[0]
    if last == "record":
        return "records"
    if last == "lines":
        return "json_lines"
    return last if last in MappingForm.base_fields else FIELD_OF.get(path.partition(".")[0])


def _layout(values: Mapping[str, Any]) -> dict[str, Any]:
    rows = {name: values[name] for name in ("skip_rows", "footer_rows") if values[name]}
    match values["format"]:
        case "csv":
            said = {"delimiter": _sign(values["delimiter"]), "quote": _sign(values["quote"]), "header_row": values["header_row"], **rows}
            if values["multiline"]:
                said["multiline"] = True
            return said if values["header_row"] else {**said, "columns": _list(values["columns"])}
        case "fixed":
            width = {"line_width": values["line_width"]} if values["line_width"] else {}
            return {"columns": [column for line in values["columns"].splitlines() if (column := _fixed_column(line))], **width, **rows}
        case "xlsx":
            sheet = {"sheet": values["sheet"]} if values["sheet"] else {}
            return {**sheet, "header_row": values["header_row"], **rows}
        case "json":
            return {"lines": True} if values["json_lines"] else {"records": values["records"]} if values["records"] else {}
        case "xml":
            return {"record": values["records"]}
    return {}


def _fixed_column(line: str) -> dict[str, Any] | None:
    name, _, rest = line.partition(",")
    start, _, width = rest.partition(",")
    if not name.strip():
        return None
    return {"name": name.strip(), "start": _whole(start), "width": _whole(width)}


def _amount(values: Mapping[str, Any]) -> dict[str, Any]:
    inverted = {"inverted": True} if values["inverted"] else {}
    match values["sign"]:
        case "columns":
            said = {"debit": values["debit_column"], "credit": values["credit_column"], "debit_written": values["debit_written"]}
        case "indicator":
            said = {"column": values["amount_column"], "indicator": values["indicator_column"], "debit_written": values["debit_written"]}
            said |= {"debit_values": _list(values["debit_values"]), "credit_values": _list(values["credit_values"])}
        case _:
            said = {"column": values["amount_column"]}
    return {"sign": values["sign"], **said, **inverted}


def _rule(line: str) -> dict[str, Any] | None:
    text = line.strip()
    if not text:
        return None
    if text.endswith(" is empty"):
        return {"column": text.removesuffix(" is empty").strip(), "empty": True}
    column, found, said = text.partition(" begins ")
    if found:
        return {"column": column.strip(), "begins": _list(said)}
    column, _, said = text.partition("=")
    return {"column": column.strip(), "equals": _list(said)}


def _rule_words(rule: Mapping[str, Any]) -> str:
    if rule.get("empty"):
        return f"{rule['column']} is empty"
    if rule.get("begins"):
        return f"{rule['column']} begins {', '.join(rule['begins'])}"
    return f"{rule['column']} = {', '.join(rule.get('equals', ()))}"


def _sign(word: str) -> str | None:
    """Return the sign that a choice names; None while nothing is chosen, so that the engine asks for it."""
    return None if word == "" else SIGNS.get(word, word)


def _list(text: str) -> list[str]:
    return [word for word in _WORDS.split(text.strip()) if word]


def _pairs(text: str) -> dict[str, str]:
    parts = [word.partition("=") for word in _WORDS.split(text.strip()) if word]
    return {name.strip(): value.strip() for name, _, value in parts if name.strip()}


def _whole(text: str) -> int | str:
    return int(text) if text.strip().isdecimal() and len(text.strip()) < 6 else text.strip()


def _json(text: str) -> dict[str, Any]:
    said = json.loads(text or "{}")
    return said if isinstance(said, dict) else {}


def _without_nothing(value: Any, *, path: str = "") -> Any:
    """Leave out what was not said: the engine names the first key that it needs."""
    if not isinstance(value, dict):
        return value
    kept = {name: _without_nothing(one, path=f"{path}.{name}") for name, one in value.items()}
    return {name: one for name, one in kept.items() if one not in (None, "", {}, []) or _says_nothing_on_purpose(name, one, path=path)}


def _says_nothing_on_purpose(name: str, value: Any, *, path: str) -> bool:
    """Return whether an empty value is a choice (no quotes, no decimal sign), or a part whose own keys the engine will ask for."""
    if value == "":
        return path in (".layout", ".numbers") and name in ("quote", "decimal", "thousands")
    return value == {} and path == "" and name in ("layout", "numbers", "amount", "currency", "booking_date")
