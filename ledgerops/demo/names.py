"""Invented companies and the account numbers they bank with."""

import random

_STEMS = (
    "Aldermoor",
    "Ashquill",
    "Bramwick",
    "Brightmere",
    "Calderon Bay",
    "Cindervale",
    "Corvane",
    "Dunmarrow",
    "Eastlatch",
    "Elmharrow",
    "Fenwhistle",
    "Fernholt",
    "Galebrook",
    "Glasswater",
    "Greyfen",
    "Halcyon Reach",
    "Harrowgate",
    "Hollinmere",
    "Ironleaf",
    "Juniper Quay",
    "Kestrel Point",
    "Kingsbarrow",
    "Larkspire",
    "Lindenvale",
    "Marlowick",
    "Millrace",
    "Mossbridge",
    "Northlatch",
    "Oakhaven",
    "Orrinshaw",
    "Palewater",
    "Pinecrest Hill",
    "Quarrystone",
    "Quillon",
    "Ravensholt",
    "Redfern",
    "Saltmarsh",
    "Silverbeck",
    "Stonefield",
    "Tallowick",
    "Thistledown",
    "Umberfall",
    "Valemont",
    "Vesperine",
    "Wexcombe",
    "Willowgrave",
    "Yarrowdale",
    "Zephyrine",
)
_TRADES = (
    "Robotics",
    "Foods",
    "Textiles",
    "Freight",
    "Optics",
    "Software",
    "Timber",
    "Ceramics",
    "Marine",
    "Biotech",
    "Instruments",
    "Outfitters",
    "Coffee",
    "Publishing",
    "Solar",
    "Plastics",
    "Steel",
    "Furniture",
    "Games",
    "Labs",
    "Cycles",
    "Farms",
    "Studios",
    "Pharma",
    "Logistics",
    "Travel",
    "Paper",
    "Audio",
    "Glass",
    "Trading",
)
_FORMS = {"USD": ("Inc", "LLC", "Corp"), "EUR": ("GmbH", "BV", "AG"), "GBP": ("Ltd", "plc", "LLP"), "JPY": ("KK", "GK", "KK")}


class Names:
    """Hands out company names, each once."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._pool = [f"{stem} {trade}" for stem in _STEMS for trade in _TRADES]
        rng.shuffle(self._pool)
        self._next = 0

    def company(self, *, home: str) -> str:
        """Return an unused name with a legal form of the asset's country."""
        round_number, index = divmod(self._next, len(self._pool))
        self._next += 1
        ordinal = f" {round_number + 1}" if round_number else ""
        return f"{self._pool[index]}{ordinal} {self._rng.choice(_FORMS[home])}"


def iban(*, country: str, bban: str) -> str:
    """Return the IBAN of a basic account number, with its ISO 7064 check digits."""
    digits = "".join(str(int(character, 36)) for character in bban + country + "00")
    return f"{country}{98 - int(digits) % 97:02d}{bban}"


def account_number(rng: random.Random, *, asset: str) -> str:
    """Return the account number of a counterparty that pays in the asset: an IBAN for euro and sterling."""
    if asset == "EUR":
        country, bban = rng.choice((("DE", f"5{_digits(rng, 17)}"), ("AT", f"1{_digits(rng, 15)}"), ("NL", f"VELD0{_digits(rng, 9)}")))
        return iban(country=country, bban=bban)
    if asset == "GBP":
        return iban(country="GB", bban=f"WYND{_digits(rng, 14)}")
    return f"{rng.randint(1, 9)}{_digits(rng, 9 if asset == 'USD' else 6)}"


def transaction_hash(rng: random.Random) -> str:
    return f"0x{rng.getrandbits(256):064x}"


def wallet_address(rng: random.Random) -> str:
    return f"0x{rng.getrandbits(160):040x}"


def _digits(rng: random.Random, length: int) -> str:
    return "".join(str(rng.randrange(10)) for _ in range(length))
