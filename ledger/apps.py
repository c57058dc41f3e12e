from django.apps import AppConfig


class LedgerConfig(AppConfig):
    name = "ledger"

    def ready(self) -> None:
        from audit.actions import register_actions
        from ledger.audit_actions import ACTIONS

        register_actions(ACTIONS)
