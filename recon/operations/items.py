"""How much of an item is open: its amount less what matches have taken of it."""

from collections.abc import Collection

from django.db import connection

_SETTLE = """
UPDATE recon_item i SET open_minor = i.amount_minor - coalesce(
    (SELECT sum(a.amount_minor) FROM recon_allocation a WHERE a.item_id = i.id AND a.revoked_at IS NULL), 0)
WHERE i.id = ANY(%s) AND i.withdrawn_by_id IS NULL
"""


def settle_items(item_ids: Collection[int]) -> None:
    """Reckon anew what is open of items whose allocations have changed in this transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE, [list(item_ids)])
