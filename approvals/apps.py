from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "approvals"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed

        from approvals import queries
        from approvals.approval_handlers.switches import LIFT_SWITCH_HANDLER
        from approvals.audit_actions import ACTIONS
        from approvals.registry import register_handler
        from approvals.web import sessions
        from audit.actions import register_actions
        from audit.targets import register_page
        from ledgerops.context import NAV_COUNTS

        register_actions(ACTIONS)
        register_page("approvals.proposal", word="Proposal", route="approvals:proposal")
        register_page("runtime.switch", word="Switch", route="switch")
        register_handler(LIFT_SWITCH_HANDLER)
        NAV_COUNTS["switches"] = lambda user: queries.switches_in_force()  # noqa: ARG005 it concerns everybody
        NAV_COUNTS["approvals:queue"] = queries.decidable_by
        user_logged_in.connect(sessions.record_sign_in, dispatch_uid="sign-in")
        user_logged_out.connect(sessions.record_sign_out, dispatch_uid="sign-out")
        user_login_failed.connect(sessions.record_refused_sign_in, dispatch_uid="refused sign-in")
