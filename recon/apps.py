from django.apps import AppConfig


class ReconConfig(AppConfig):
    name = "recon"

    def ready(self) -> None:
        from approvals.registry import register_handler
        from audit.actions import register_actions
        from audit.targets import register_page
        from ledgerops.context import NAV_COUNTS
        from recon import closing_checks
        from recon.approval_handlers import HANDLERS
        from recon.audit_actions import ACTIONS
        from recon.web.breaks.listing import open_breaks_of
        from recon.web.resolutions.mentions import unseen_mentions_of

        register_actions(ACTIONS)
        for handler in HANDLERS:
            register_handler(handler)
        closing_checks.register()
        NAV_COUNTS["recon:breaks"] = open_breaks_of
        NAV_COUNTS["recon:mentions"] = unseen_mentions_of
        for noun, route in (
            ("break", "recon:break"),
            ("chain", "recon:chain"),
            ("file", "recon:file"),
            ("run", "recon:run"),
            ("statement", "recon:statement"),
            ("mapping", "recon:mapping_of"),
            ("source", "recon:source"),
            ("reconciliation", "recon:reconciliation"),
            ("rules_version", "recon:rules_version_of"),
            ("account_day", "recon:account_day"),
            ("certificate", "recon:certificate"),
        ):
            register_page(f"recon.{noun}", word=noun.replace("_", " ").capitalize(), route=route)
