"""References as payers and the company itself write them: 16 characters at most, each given out once."""

import random
from collections import Counter
from datetime import date

_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


class References:
    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._invoice = rng.randint(4100, 4900)
        self._order = rng.randint(310_000, 480_000)
        self._daily: Counter[tuple[str, date]] = Counter()

    def of_payer(self, *, day: date) -> str:
        """Return what a payer writes: mostly an invoice number, else an order number or a random end-to-end id."""
        style = self._rng.random()
        if style < 0.62:
            self._invoice += self._rng.randint(1, 3)
            return f"INV-{day.year}-{self._invoice}"
        self._order += self._rng.randint(1, 9)
        if style < 0.8:
            return f"PO-{self._order}"
        return "E2E" + "".join(self._rng.choices(_ALPHABET, k=4)) + str(self._order)

    def of_company(self, *, kind: str, day: date) -> str:
        """Return the company's own number for a payment of the day, such as PAY-261120-0017."""
        self._daily[kind, day] += 1
        return f"{kind}-{day:%y%m%d}-{self._daily[kind, day]:04d}"


def with_swapped_digits(text: str, *, start: int) -> tuple[str, ...]:
    """Return each text that a tired typist makes of this one by exchanging two neighbouring digits from `start` on."""
    return tuple(
        text[:index] + text[index + 1] + text[index] + text[index + 2 :]
        for index in range(start, len(text) - 1)
        if text[index].isdigit() and text[index + 1].isdigit() and text[index] != text[index + 1]
    )
