from django.apps import AppConfig


class RuntimeConfig(AppConfig):
    name = "ledgerops.runtime"
    label = "runtime"
