from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class LedgerOpsConfig(AppConfig):
    name = "ledgerops"

    def ready(self) -> None:
        from audit.actions import register_actions
        from audit.targets import register_page
        from ledger.web.panels import register_account_panel
        from ledgerops import checks  # noqa: F401
        from ledgerops.grants import apply_grants
        from ledgerops.panels import standing_panel
        from ledgerops.records.reads import ACTIONS

        register_actions(ACTIONS)
        register_page("ledger.journal_entry", word="Trail back to the file", route="trail")
        register_account_panel(standing_panel)
        # Django announces a finished migrate app by app, to apps with models only; any one of them will do.
        post_migrate.connect(apply_grants, sender=apps.get_app_config("recon"))
