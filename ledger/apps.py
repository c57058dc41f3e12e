from django.apps import AppConfig


class LedgerConfig(AppConfig):
    name = "ledger"

    def ready(self) -> None:
        from audit.actions import register_actions
        from audit.targets import register_page
        from ledger.audit_actions import ACTIONS

        register_actions(ACTIONS)
        register_page("ledger.journal_entry", word="Entry", route="ledger:entry")
        register_page("ledger.account", word="Account", route="ledger:account")
