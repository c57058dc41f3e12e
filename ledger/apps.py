from django.apps import AppConfig


class LedgerConfig(AppConfig):
    name = "ledger"

    def ready(self) -> None:
        from approvals.registry import Handler, register_handler, register_scope
        from audit.actions import register_actions
        from audit.targets import register_page
        from ledger import queries
        from ledger.approval_handlers import accounts, chart, integrity, journals, parties, periods, rates, types
        from ledger.audit_actions import ACTIONS
        from ledger.queries.periods import waiting_to_be_closed
        from ledger.web import account_changes, alerts
        from ledger.web.panels import register_account_panel
        from ledgerops.context import NAV_COUNTS, ROLE_READERS

        register_actions(ACTIONS)
        register_page("ledger.journal_entry", word="Entry", route="ledger:entry")
        register_page("ledger.account", word="Account", route="ledger:account")
        register_page("ledger.transaction", word="Transaction", route="ledger:transaction")
        register_page("ledger.hold", word="Hold", route="ledger:hold")
        register_page("ledger.transaction_type", word="Type", route="ledger:type")
        register_page("ledger.journal", word="Journal", route="ledger:journal")
        register_page("ledger.recurring_entry", word="Recurring entry", route="ledger:recurring_entry")
        register_page("ledger.opening", word="Opening balances", route="ledger:opening_of")
        register_page("ledger.integrity_run", word="Examination", route="ledger:integrity_run")
        register_page("ledger.integrity_finding", word="Finding", route="ledger:integrity_finding")
        register_page("ledger.party", word="Party", route="ledger:party")
        register_page("ledger.remeasurement", word="Remeasurement", route="ledger:remeasurement")
        register_page("ledger.year_end", word="Year end", route="ledger:year_end_of")
        register_page("ledger.period", word="Period", route="ledger:period")
        one_each = (accounts.ACCOUNT_CHANGE_HANDLER, chart.CHART_IMPORT_HANDLER, types.TYPE_CHANGE_HANDLER)
        groups: list[tuple[Handler, ...]] = [
            one_each, periods.HANDLERS, journals.HANDLERS, rates.HANDLERS, integrity.HANDLERS, parties.HANDLERS
        ]  # fmt: skip
        for group in groups:
            for handler in group:
                register_handler(handler)
        ROLE_READERS.append(lambda user: queries.sight_of(user).roles)
        NAV_COUNTS["ledger:periods"] = waiting_to_be_closed
        register_scope("entity", exists=queries.entity_exists)
        register_scope("account", exists=queries.account_exists)
        register_account_panel(account_changes.controls_panel)
        NAV_COUNTS["ledger:alerts"] = alerts.open_alerts
