"""Opening accounts."""

import pytest

from ledger import operations as ledger
from ledger.models import Account, AccountType, OwnerClass
from tests.notation import writes_nothing


@pytest.mark.parametrize("code", ["", "10/10", "10 10", "a" * 41, "-1", "1010\u0661"])
def test_a_code_that_no_address_could_carry_it_refuses(chart: dict[str, Account], code: str) -> None:
    with writes_nothing(), pytest.raises(ledger.ChartRefused) as refused:
        ledger.open_account(
            code=code, name="Odd", entity="M1", group="ALL", asset="USD", account_type=AccountType.ASSET, owner_class=OwnerClass.NOSTRO
        )
    assert refused.value.field == "code"
