from django.apps import AppConfig


class ReconConfig(AppConfig):
    name = "recon"

    def ready(self) -> None:
        from approvals.registry import register_handler
        from audit.actions import register_actions
        from audit.targets import register_page
        from ledgerops.context import NAV_COUNTS
        from recon import closing_checks
        from recon.approval_handlers import ADJUSTMENT_HANDLER
        from recon.audit_actions import ACTIONS
        from recon.web.breaks.listing import open_breaks_of

        register_actions(ACTIONS)
        register_handler(ADJUSTMENT_HANDLER)
        closing_checks.register()
        NAV_COUNTS["recon:breaks"] = open_breaks_of
        for noun, route in (("break", "recon:break"), ("file", "recon:file"), ("run", "recon:run"), ("statement", "recon:statement")):
            register_page(f"recon.{noun}", word=noun.capitalize(), route=route)
