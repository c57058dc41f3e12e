from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "approvals"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed

        from approvals.audit_actions import ACTIONS
        from approvals.web import sessions
        from audit.actions import register_actions

        register_actions(ACTIONS)
        user_logged_in.connect(sessions.record_sign_in, dispatch_uid="sign-in")
        user_logged_out.connect(sessions.record_sign_out, dispatch_uid="sign-out")
        user_login_failed.connect(sessions.record_refused_sign_in, dispatch_uid="refused sign-in")
