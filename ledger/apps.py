from django.apps import AppConfig


class LedgerConfig(AppConfig):
    name = "ledger"

    def ready(self) -> None:
        from approvals.registry import register_handler
        from audit.actions import register_actions
        from audit.targets import register_page
        from ledger.approval_handlers import periods
        from ledger.audit_actions import ACTIONS
        from ledger.queries.periods import count_to_be_closed_again
        from ledgerops.context import NAV_COUNTS

        register_actions(ACTIONS)
        register_page("ledger.journal_entry", word="Entry", route="ledger:entry")
        register_page("ledger.account", word="Account", route="ledger:account")
        register_page("ledger.period", word="Period", route="ledger:period")
        for handler in periods.HANDLERS:
            register_handler(handler)
        NAV_COUNTS["ledger:periods"] = count_to_be_closed_again
