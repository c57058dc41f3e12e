"""Reading chains over JSON-RPC. Plain Python: nothing here knows of Django or the database. See docs/chains.md."""
