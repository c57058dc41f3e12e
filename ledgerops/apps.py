from django.apps import AppConfig
from django.db.models.signals import post_migrate


class LedgerOpsConfig(AppConfig):
    name = "ledgerops"

    def ready(self) -> None:
        from ledgerops import checks  # noqa: F401
        from ledgerops.grants import apply_grants

        post_migrate.connect(apply_grants, sender=self)
