"""Posting through the one door: what is written, what is refused and remembered."""

from tests.fixtures import Post
from tests.notation import balance, posts


def test_it_posts_the_legs_as_given_and_moves_each_balance_on_its_normal_side(post: Post) -> None:
    with posts("1010 debit 10.00 USD / 2010 credit 10.00 USD"):
        post("1010 debit 10.00 USD / 2010 credit 10.00 USD")
    assert (balance("1010"), balance("2010")) == ("10.00 USD", "10.00 USD")
