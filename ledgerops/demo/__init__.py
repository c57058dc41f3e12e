"""The seeded demo company: its books, its bank statements and the differences between them."""

# The demo runs on the loopback interface with invented data; its users share one passphrase so that it can be printed.
DEMO_PASSPHRASE = "ledger-harbor-lantern-42"  # noqa: S105
