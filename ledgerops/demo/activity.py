"""What happens at the demo company day by day, as entries in the order of their posting."""

import math
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from ledgerops.demo import chart
from ledgerops.demo.bankdays import bank_day_after, is_bank_day
from ledgerops.demo.chart import Customer
from ledgerops.demo.names import Names, account_number, transaction_hash, wallet_address
from ledgerops.demo.references import References
from ledgerops.demo.shapes import PlannedEntry, PlannedLine

CAPITAL_MINOR = {
    "1010-USD": 2_500_000_00, "1110-USD": 600_000_00, "1010-EUR": 1_800_000_00, "1010-GBP": 1_200_000_00, "1010-JPY": 180_000_000,
    "1210-USDC-ETH": 750_000_000000, "1220-USDC-ETH": 1_500_000_000000, "1210-USDC-BASE": 400_000_000000, "1220-USDC-BASE": 900_000_000000,
}  # fmt: skip
MEDIAN_MINOR = {"USD": 4_200_00, "EUR": 3_800_00, "GBP": 3_100_00, "JPY": 620_000, "USDC-ETH": 2_600_000000, "USDC-BASE": 900_000000}
# What people round to, and the smallest amount they bother with.
ROUND_MINOR = {"USD": 100_00, "EUR": 100_00, "GBP": 50_00, "JPY": 10_000, "USDC-ETH": 100_000000, "USDC-BASE": 50_000000}
GRAIN_MINOR = {"USD": 1, "EUR": 1, "GBP": 1, "JPY": 1, "USDC-ETH": 10_000, "USDC-BASE": 10_000}
FEE_MINOR = {"USD": 15_00, "EUR": 4_50, "GBP": 6_00, "JPY": 880, "USDC-ETH": 3_500000, "USDC-BASE": 250000}
CHARGE_MINOR = {"USD": 22_50, "EUR": 9_80, "GBP": 12_40, "JPY": 1_650}
PREFUNDING_MINOR = 45_000_00
RAILS = {
    "USD": ("wire", "ach"), "EUR": ("sepa-credit-transfer", "sepa-instant"), "GBP": ("faster-payments", "bacs"), "JPY": ("zengin",),
    "USDC-ETH": ("ethereum",), "USDC-BASE": ("base",),
}  # fmt: skip


@dataclass(frozen=True)
class Payer:
    name: str
    account: str


class Books:
    """Keeps entries in order and every balance so far, so that nobody spends what is not there."""

    def __init__(self, *, key_prefix: str) -> None:
        self.entries: list[PlannedEntry] = []
        self._key_prefix = key_prefix
        self._net: Counter[str] = Counter()

    def post(
        self,
        *,
        kind: str,
        day: date,
        description: str,
        reference: str,
        debit: str,
        credit: str,
        amount_minor: int,
        metadata: Mapping[str, str],
    ) -> None:
        assert amount_minor > 0, (kind, day, amount_minor)
        self._net[debit] += amount_minor
        self._net[credit] -= amount_minor
        self.entries.append(
            PlannedEntry(
                key=f"{self._key_prefix}-{len(self.entries) + 1:06d}",
                type=kind,
                effective_date=day,
                description=description,
                reference=reference,
                lines=(PlannedLine(debit, "debit", amount_minor), PlannedLine(credit, "credit", amount_minor)),
                metadata=dict(metadata),
            )
        )

    def owed_to(self, account: str) -> int:
        """Return the credit balance of an account."""
        return -self._net[account]

    def held_in(self, account: str) -> int:
        """Return the debit balance of an account."""
        return self._net[account]


class Simulation:
    """Lives through the days, one call of `live` each, writing into its `books`."""

    def __init__(self, *, rng: random.Random, customers: tuple[Customer, ...], names: Names, key_prefix: str) -> None:
        self.books = Books(key_prefix=key_prefix)
        self.references = References(rng)
        self._rng = rng
        self._customers = customers
        self._payers = {
            asset.code: tuple(self._invent_payer(asset=asset.code, names=names) for _ in range(max(6, len(customers) // 3)))
            for asset in chart.ASSETS
        }
        self._fees_to_sweep = 0

    def live(self, day: date) -> None:
        """Write the day's movements: stablecoins every day, money at banks on bank days."""
        if not self.books.entries:
            self._pay_in_capital(day)
        open_assets = {*chart.TOKENS, *(chart.FIAT if is_bank_day(day) else ())}
        for act, chance in ((self._deposit, 0.40), (self._withdraw, 0.36), (self._transfer, 0.12)):
            for customer in self._customers:
                asset = self._rng.choice(list(customer.accounts))
                if asset in open_assets and self._rng.random() < min(0.95, chance * customer.activity):
                    act(customer, asset, day)
        if is_bank_day(day):
            self._settle(day)
            self._take_charges(day)
            if bank_day_after(day).month != day.month:
                self._receive_interest(day)

    def amount(self, asset: str, *, times: float = 1.0) -> int:
        """Return a lognormal amount, often a round one."""
        drawn = int(self._rng.lognormvariate(math.log(MEDIAN_MINOR[asset] * times), 0.95))
        drawn = min(drawn, MEDIAN_MINOR[asset] * 40)
        step = ROUND_MINOR[asset] if self._rng.random() < 0.3 else GRAIN_MINOR[asset]
        return max(drawn // step, 1) * step

    def payer(self, asset: str) -> Payer:
        return self._rng.choice(self._payers[asset])

    def _invent_payer(self, *, asset: str, names: Names) -> Payer:
        token = asset in chart.TOKENS
        account = wallet_address(self._rng) if token else account_number(self._rng, asset=asset)
        return Payer(name=names.company(home="USD" if token else asset), account=account)

    def _metadata(self, asset: str, payer: Payer, *, customer: Customer) -> dict[str, str]:
        metadata = {
            "counterparty": payer.name,
            "counterparty_account": payer.account,
            "rail": self._rng.choice(RAILS[asset]),
            "customer": customer.name,
        }
        if asset in chart.TOKENS:
            metadata |= {"transaction_hash": transaction_hash(self._rng), "log_index": str(self._rng.randrange(400))}
        return metadata

    def _pay_in_capital(self, day: date) -> None:
        for account, amount_minor in CAPITAL_MINOR.items():
            asset = account.partition("-")[2]
            self.books.post(
                kind="capital", day=day, description="Capital paid in", reference=self.references.of_company(kind="CAP", day=day),
                debit=account, credit=chart.equity_account(asset=asset), amount_minor=amount_minor,
                metadata={"counterparty": "Meridian Holdings", "counterparty_account": ""},
            )  # fmt: skip

    def _deposit(self, customer: Customer, asset: str, day: date) -> None:
        account = customer.accounts[asset]
        payer = self.payer(asset)
        token = asset in chart.TOKENS
        self.books.post(
            kind="deposit", day=day, description=f"{payer.name} to {customer.name}",
            reference=self.references.of_company(kind="USDC", day=day) if token else self.references.of_payer(day=day),
            debit=_cash(customer, asset), credit=account,
            amount_minor=self.amount(asset, times=4.0 if self.books.owed_to(account) == 0 else 1.0),
            metadata=self._metadata(asset, payer, customer=customer),
        )  # fmt: skip

    def _withdraw(self, customer: Customer, asset: str, day: date) -> None:
        account, cash, fee = customer.accounts[asset], _cash(customer, asset), FEE_MINOR[asset]
        # A buffer stays behind so that the bank never lends, even on days when its view differs from ours.
        available = min(self.books.owed_to(account) - fee, self.books.held_in(cash) * 9 // 10)
        amount_minor = self.amount(asset, times=0.9)
        if amount_minor > available:
            return
        reference = self.references.of_company(kind="PAY", day=day)
        payee = self.payer(asset)
        self.books.post(
            kind="withdrawal", day=day, description=f"{customer.name} to {payee.name}", reference=reference,
            debit=account, credit=cash, amount_minor=amount_minor, metadata=self._metadata(asset, payee, customer=customer),
        )  # fmt: skip
        if self._rng.random() < 0.6:
            self.books.post(
                kind="fee", day=day, description=f"Payout fee for {reference}", reference=self.references.of_company(kind="FEE", day=day),
                debit=account, credit=chart.fee_income_account(asset=asset), amount_minor=fee,
                metadata={"customer": customer.name, "fee_for": reference},
            )  # fmt: skip
            # Only fees of customers whose money is safeguarded lie in the wrong bank account and must be swept.
            self._fees_to_sweep += fee if cash == chart.safeguarding_account() else 0

    def _transfer(self, customer: Customer, asset: str, day: date) -> None:
        others = [other for other in self._customers if asset in other.accounts and other is not customer]
        amount_minor = self.amount(asset, times=0.5)
        if not others or amount_minor > self.books.owed_to(customer.accounts[asset]):
            return
        other = self._rng.choice(others)
        self.books.post(
            kind="transfer", day=day, description=f"{customer.name} to {other.name}",
            reference=self.references.of_company(kind="TRF", day=day),
            debit=customer.accounts[asset], credit=other.accounts[asset], amount_minor=amount_minor,
            metadata={"customer": customer.name, "counterparty": other.name},
        )  # fmt: skip

    def _settle(self, day: date) -> None:
        operating, safeguarding = chart.bank_account(asset="USD"), chart.safeguarding_account()
        if self._fees_to_sweep:
            self._move("Sweep of fees out of safeguarding", day, debit=operating, credit=safeguarding, amount_minor=self._fees_to_sweep)
            self._fees_to_sweep = 0
        if self._rng.random() < 0.3:
            amount_minor = self._rng.randint(2, 9) * 10_000_00
            self._move("Top-up of safeguarding", day, debit=safeguarding, credit=operating, amount_minor=amount_minor)
        for token in chart.TOKENS:
            if self._rng.random() < 0.4:
                hot, treasury = chart.hot_wallet(asset=token), chart.treasury_wallet(asset=token)
                amount_minor = self._rng.randint(1, 6) * 5_000_000000
                self._move("Refill of the hot wallet", day, debit=hot, credit=treasury, amount_minor=amount_minor)
        clearing, euro = chart.clearing_account(asset="EUR"), chart.bank_account(asset="EUR")
        prefunded = self.books.held_in(clearing)
        if day.weekday() == 1 and not prefunded:
            self._move("Card scheme prefunding", day, debit=clearing, credit=euro, amount_minor=PREFUNDING_MINOR)
        elif day.weekday() == 4 and prefunded:
            self._move("Card scheme prefunding returned", day, debit=euro, credit=clearing, amount_minor=prefunded)

    def _move(self, description: str, day: date, *, debit: str, credit: str, amount_minor: int) -> None:
        if amount_minor > self.books.held_in(credit) * 9 // 10 and credit != chart.clearing_account(asset="EUR"):
            return
        self.books.post(
            kind="settlement", day=day, description=description, reference=self.references.of_company(kind="STL", day=day),
            debit=debit, credit=credit, amount_minor=amount_minor, metadata={"counterparty": chart.ENTITY_NAME, "counterparty_account": ""},
        )  # fmt: skip

    def _take_charges(self, day: date) -> None:
        for source in chart.SOURCES:
            if self._rng.random() < 0.4:
                amount_minor = CHARGE_MINOR[source.asset] * self._rng.randint(1, 6)
                self.books.post(
                    kind="bank_charge", day=day, description=f"Account charges of {source.servicer}",
                    reference=self.references.of_company(kind="CHG", day=day), debit=chart.charges_account(asset=source.asset),
                    credit=source.account_code, amount_minor=amount_minor,
                    metadata={"counterparty": source.servicer, "counterparty_account": ""},
                )  # fmt: skip

    def _receive_interest(self, day: date) -> None:
        for source in chart.SOURCES:
            # 1.2 % a year, for a month.
            amount_minor = self.books.held_in(source.account_code) // 1000
            if amount_minor and source.asset != "JPY":
                self.books.post(
                    kind="interest", day=day, description=f"Interest of {source.servicer}",
                    reference=self.references.of_company(kind="INT", day=day), debit=source.account_code,
                    credit=chart.interest_account(asset=source.asset), amount_minor=amount_minor,
                    metadata={"counterparty": source.servicer, "counterparty_account": ""},
                )  # fmt: skip


def simulate(
    *, rng: random.Random, customers: tuple[Customer, ...], names: Names, first_day: date, last_day: date, key_prefix: str
) -> Simulation:
    """Return the simulation after it lived through the days, starting with the first bank day among them."""
    simulation = Simulation(rng=rng, customers=customers, names=names, key_prefix=key_prefix)
    day = first_day if is_bank_day(first_day) else bank_day_after(first_day)
    while day <= last_day:
        simulation.live(day)
        day += timedelta(days=1)
    return simulation


def _cash(customer: Customer, asset: str) -> str:
    """Return where the customer's money in the asset lies: dollars of three customers in four are safeguarded."""
    if asset in chart.TOKENS:
        return chart.hot_wallet(asset=asset)
    if asset == "USD" and int(customer.code[1:]) % 4:
        return chart.safeguarding_account()
    return chart.bank_account(asset=asset)
