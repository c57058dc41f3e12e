# Constraints and indexes are options of their models: for each that an operation adds, Django builds every related model anew.

import django.db.models.deletion
import django.db.models.expressions
import ledgerops.lib.sql
import simple_history.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("approvals", "__first__"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="AccountGroup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=20, unique=True)),
                ("name", models.CharField(max_length=100)),
            ],
            options={
                "db_table": "ledger_account_group",
            },
        ),
        migrations.CreateModel(
            name="Asset",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=20, unique=True)),
                ("name", models.CharField(max_length=100)),
                ("scale", models.PositiveSmallIntegerField()),
                ("network", models.CharField(blank=True, max_length=40)),
                ("contract", models.CharField(blank=True, max_length=100)),
            ],
            options={
                "db_table": "ledger_asset",
                "ordering": ["code"],
                "constraints": [models.CheckConstraint(condition=models.Q(("scale__lte", 18)), name="ledger_asset_scale_is_at_most_18")],
            },
        ),
        migrations.CreateModel(
            name="LegalEntity",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=20, unique=True)),
                ("name", models.CharField(max_length=100)),
                (
                    "functional_asset",
                    models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.asset"),
                ),
            ],
            options={
                "db_table": "ledger_entity",
            },
        ),
        migrations.CreateModel(
            name="Party",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=40, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("customer", "Customer"),
                            ("beneficial_owner", "Beneficial owner"),
                            ("counterparty", "Counterparty"),
                            ("program", "Program"),
                        ],
                        max_length=20,
                    ),
                ),
                ("status", models.CharField(choices=[("active", "Active"), ("closed", "Closed")], default="active", max_length=10)),
                ("created_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                (
                    "program",
                    models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="members", to="ledger.party"),
                ),
            ],
            options={
                "db_table": "ledger_party",
                "ordering": ["code"],
                "permissions": [("manage_party", "Can add parties and propose where their money may go")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["customer", "beneficial_owner", "counterparty", "program"])),
                        name="ledger_party_kind_is_known",
                    ),
                    models.CheckConstraint(condition=models.Q(("status__in", ["active", "closed"])), name="ledger_party_status_is_known"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Account",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=40, unique=True)),
                ("name", models.CharField(max_length=120)),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("asset", "Asset"),
                            ("liability", "Liability"),
                            ("equity", "Equity"),
                            ("income", "Income"),
                            ("expense", "Expense"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "owner_class",
                    models.CharField(
                        choices=[
                            ("customer", "Customer"),
                            ("platform", "Platform"),
                            ("settlement", "Settlement"),
                            ("safeguarding", "Safeguarding"),
                            ("nostro", "Nostro"),
                            ("wallet", "Wallet"),
                            ("suspense", "Suspense"),
                            ("fee", "Fee"),
                            ("fx_position", "Fx Position"),
                            ("reserve", "Reserve"),
                            ("equity", "Equity"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "reserve_class",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("cash", "Coins and currency"),
                            ("central_bank", "Balance at a central bank"),
                            ("demand_deposit", "Demand deposit at an insured institution"),
                            ("treasury", "Treasury bill, note or bond of 93 days or less"),
                            ("repo", "Overnight repurchase agreement"),
                            ("reverse_repo", "Overnight reverse repurchase agreement"),
                            ("money_fund", "Government money market fund"),
                            ("other", "Other asset approved by the regulator"),
                        ],
                        max_length=20,
                    ),
                ),
                ("is_control", models.BooleanField(default=False)),
                (
                    "purpose",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("retained_earnings", "Retained earnings"),
                            ("fx_position", "Position in this asset"),
                            ("fx_result", "Result of exchange differences"),
                            ("rounding", "Rounding"),
                            ("shortfall", "Receivable for what customers overdrew"),
                            ("opening", "Opening balances"),
                        ],
                        max_length=30,
                    ),
                ),
                ("status", models.CharField(choices=[("open", "Open"), ("closed", "Closed")], default="open", max_length=10)),
                ("opened_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("closed_at", models.DateTimeField(null=True)),
                (
                    "parent",
                    models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="children", to="ledger.account"),
                ),
                ("group", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="ledger.accountgroup")),
                ("asset", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="ledger.asset")),
                (
                    "equivalent_of",
                    models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.asset"),
                ),
                ("entity", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="ledger.legalentity")),
                (
                    "party",
                    models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="accounts", to="ledger.party"),
                ),
            ],
            options={
                "db_table": "ledger_account",
                "ordering": ["code"],
                "permissions": [
                    ("open_account", "Can open accounts"),
                    ("propose_account_change", "Can propose changes of limits, status and structure"),
                    ("freeze_account", "Can freeze an account at once"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("id", "asset", "entity"), name="ledger_account_has_one_asset_and_entity"),
                    models.CheckConstraint(
                        condition=models.Q(("type__in", ["asset", "liability", "equity", "income", "expense"])),
                        name="ledger_account_type_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "owner_class__in",
                                [
                                    "customer",
                                    "platform",
                                    "settlement",
                                    "safeguarding",
                                    "nostro",
                                    "wallet",
                                    "suspense",
                                    "fee",
                                    "fx_position",
                                    "reserve",
                                    "equity",
                                ],
                            )
                        ),
                        name="ledger_account_owner_class_is_known",
                    ),
                    models.CheckConstraint(condition=models.Q(("status__in", ["open", "closed"])), name="ledger_account_status_is_known"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("owner_class", "reserve"),
                                (
                                    "reserve_class__in",
                                    ["cash", "central_bank", "demand_deposit", "treasury", "repo", "reverse_repo", "money_fund", "other"],
                                ),
                            ),
                            models.Q(models.Q(("owner_class", "reserve"), _negated=True), ("reserve_class", "")),
                            _connector="OR",
                        ),
                        name="ledger_reserve_account_has_its_class",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("purpose__in", ["", "retained_earnings", "fx_position", "fx_result", "rounding", "shortfall", "opening"])
                        ),
                        name="ledger_account_purpose_is_known",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("purpose", ""), _negated=True),
                        fields=("entity", "asset", "purpose"),
                        name="ledger_account_purpose_has_one_account",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("equivalent_of__isnull", False)),
                        fields=("entity", "equivalent_of"),
                        name="ledger_position_has_one_equivalent",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AccountingPeriod",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("starts_on", models.DateField()),
                ("ends_on", models.DateField()),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "Open"), ("soft_locked", "Soft-locked"), ("closed", "Closed")], default="open", max_length=12
                    ),
                ),
                ("closed_at", models.DateTimeField(null=True)),
                ("reopen_ends_at", models.DateTimeField(null=True)),
                ("reopen_proposal_id", models.UUIDField(null=True)),
                ("entity", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="ledger.legalentity")),
            ],
            options={
                "db_table": "ledger_period",
                "ordering": ["entity", "starts_on"],
                "permissions": [("close_period", "Can lock, close and propose to reopen accounting periods")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("starts_on__lte", models.F("ends_on"))), name="ledger_period_ends_after_it_starts"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["open", "soft_locked", "closed"])), name="ledger_period_status_is_known"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TransactionType",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=40)),
                ("version", models.PositiveIntegerField()),
                ("name", models.CharField(max_length=100)),
                (
                    "origin",
                    models.CharField(
                        choices=[
                            ("rule", "Posting rules of its type"),
                            ("manual", "An approved proposal"),
                            ("automatic", "An approved recurring rule"),
                        ],
                        max_length=10,
                    ),
                ),
                ("legs", models.JSONField()),
                ("roles", models.JSONField()),
                ("required_roles", models.JSONField(default=list)),
                ("parameters", models.JSONField(default=list)),
                ("external", models.BooleanField(default=False)),
                ("reversible", models.BooleanField(default=True)),
                ("mirrors", models.BooleanField(default=False)),
                ("settles", models.BooleanField(default=False)),
                ("multi_capture", models.BooleanField(default=False)),
                ("in_soft_lock", models.BooleanField(default=False)),
                ("backdating_days", models.PositiveIntegerField(null=True)),
                ("current", models.BooleanField(default=True)),
            ],
            options={
                "db_table": "ledger_transaction_type",
                "ordering": ["code", "-version"],
                "constraints": [
                    models.UniqueConstraint(fields=("code", "version"), name="ledger_transaction_type_version_is_numbered_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("current", True)), fields=("code",), name="ledger_transaction_type_has_one_current_version"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("origin__in", ["rule", "manual", "automatic"])), name="ledger_transaction_type_origin_is_known"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="JournalEntry",
            fields=[
                ("id", models.UUIDField(db_default=ledgerops.lib.sql.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ("number", models.BigIntegerField(unique=True)),
                ("origin", models.CharField(max_length=10)),
                ("effective_date", models.DateField()),
                ("value_date", models.DateField(null=True)),
                ("prior_period", models.BooleanField(default=False)),
                ("posted_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("lines", models.SmallIntegerField()),
                ("description", models.TextField()),
                ("reference", models.CharField(blank=True, max_length=140)),
                ("counterparty", models.CharField(blank=True, max_length=140)),
                ("metadata", models.JSONField(default=dict)),
                ("actor_id", models.BigIntegerField(null=True)),
                ("request_id", models.CharField(blank=True, max_length=64)),
                ("proposal_id", models.UUIDField(null=True)),
                ("proposal_part", models.IntegerField(null=True)),
                (
                    "period",
                    models.ForeignKey(
                        db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to="ledger.accountingperiod"
                    ),
                ),
                (
                    "reverses",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reversals",
                        to="ledger.journalentry",
                    ),
                ),
                (
                    "entity",
                    models.ForeignKey(
                        db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to="ledger.legalentity"
                    ),
                ),
                (
                    "type",
                    models.ForeignKey(
                        db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to="ledger.transactiontype"
                    ),
                ),
            ],
            options={
                "db_table": "ledger_entry",
                "ordering": ["-id"],
                "permissions": [
                    ("view_trial_balance", "Can read the trial balance"),
                    ("propose_entry", "Can propose entries and reversals"),
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("reference", ""), _negated=True), fields=["reference"], name="ledger_entry_by_reference"
                    ),
                    models.Index(fields=["effective_date", "id"], name="ledger_entry_by_effective_date"),
                    models.Index(condition=models.Q(("reverses__isnull", False)), fields=["reverses"], name="ledger_entry_by_reversed"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("proposal_id__isnull", False)),
                        fields=("proposal_id", "proposal_part"),
                        name="ledger_proposal_posts_once",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Transaction",
            fields=[
                ("id", models.UUIDField(db_default=ledgerops.lib.sql.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ("scope", models.CharField(max_length=60)),
                ("key", models.CharField(max_length=200)),
                ("content", models.JSONField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("initiated", "Initiated"),
                            ("pending", "Pending"),
                            ("posted", "Posted"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                            ("reversed", "Reversed"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "settlement",
                    models.CharField(
                        choices=[
                            ("not_applicable", "Not applicable"),
                            ("expected", "Expected"),
                            ("sent", "Sent"),
                            ("confirmed", "Confirmed"),
                            ("settled", "Settled"),
                            ("returned", "Returned"),
                        ],
                        max_length=15,
                    ),
                ),
                ("lines", models.SmallIntegerField(null=True)),
                ("refusal_code", models.CharField(max_length=60, null=True)),
                ("refusal_detail", models.JSONField(null=True)),
                ("warnings", models.JSONField(null=True)),
                ("actor_id", models.BigIntegerField(null=True)),
                ("request_id", models.CharField(blank=True, max_length=64)),
                ("created_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                (
                    "parent",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="children",
                        to="ledger.transaction",
                    ),
                ),
                (
                    "entry",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transactions",
                        to="ledger.journalentry",
                    ),
                ),
                (
                    "entity",
                    models.ForeignKey(
                        db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to="ledger.legalentity"
                    ),
                ),
                (
                    "type",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="ledger.transactiontype",
                    ),
                ),
            ],
            options={
                "db_table": "ledger_transaction",
                "ordering": ["-id"],
                "permissions": [
                    ("record_transaction", "Can record transactions"),
                    ("record_status", "Can report what became of transactions"),
                ],
                "indexes": [
                    models.Index(fields=["type", "id"], name="ledger_transaction_by_type"),
                    models.Index(condition=models.Q(("parent__isnull", False)), fields=["parent"], name="ledger_transaction_by_parent"),
                    models.Index(
                        condition=models.Q(("status", "posted"), _negated=True), fields=["status", "id"], name="ledger_transaction_unusual"
                    ),
                    models.Index(
                        condition=models.Q(("settlement__in", ["not_applicable", "settled"]), _negated=True),
                        fields=["settlement", "id"],
                        name="ledger_transaction_unsettled",
                    ),
                ],
                "constraints": [models.UniqueConstraint(fields=("scope", "key"), name="ledger_one_key_posts_once")],
            },
        ),
        migrations.CreateModel(
            name="IntegrityRun",
            fields=[
                ("id", models.UUIDField(db_default=ledgerops.lib.sql.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ("full", models.BooleanField()),
                ("requested_by_id", models.BigIntegerField(null=True)),
                ("started_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("heartbeat_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("finished_at", models.DateTimeField(null=True)),
                ("progress", models.JSONField(default=list)),
                ("postings_checked", models.BigIntegerField(default=0)),
                ("findings_count", models.PositiveIntegerField(default=0)),
            ],
            options={
                "db_table": "ledger_integrity_run",
                "ordering": ["-id"],
                "permissions": [("run_integrity", "Can run the integrity checker")],
            },
        ),
        migrations.CreateModel(
            name="RateAge",
            fields=[
                (
                    "kind",
                    models.CharField(
                        choices=[("closing", "Closing rate of a day"), ("spot", "Rate of an instant"), ("average", "Average of a month")],
                        max_length=10,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("maximum_minutes", models.PositiveIntegerField()),
            ],
            options={
                "db_table": "ledger_rate_age",
            },
        ),
        migrations.CreateModel(
            name="Balance",
            fields=[
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, primary_key=True, serialize=False, to="ledger.account"
                    ),
                ),
                ("debit_normal", models.BooleanField()),
                ("posted_debits_minor", models.DecimalField(decimal_places=0, default=0, max_digits=50)),
                ("posted_credits_minor", models.DecimalField(decimal_places=0, default=0, max_digits=50)),
                ("pending_debits_minor", models.DecimalField(decimal_places=0, default=0, max_digits=50)),
                ("pending_credits_minor", models.DecimalField(decimal_places=0, default=0, max_digits=50)),
                ("version", models.BigIntegerField(default=0)),
                ("overdraft_limit_minor", models.DecimalField(decimal_places=0, max_digits=38, null=True)),
                ("debits_frozen", models.BooleanField(default=False)),
                ("credits_frozen", models.BooleanField(default=False)),
                ("deferred", models.BooleanField(default=False)),
                ("has_velocity_limits", models.BooleanField(default=False)),
            ],
            options={
                "db_table": "ledger_balance",
            },
        ),
        migrations.CreateModel(
            name="VerifiedPosition",
            fields=[
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, primary_key=True, serialize=False, to="ledger.account"
                    ),
                ),
                ("account_seq", models.BigIntegerField()),
                ("debits_minor", models.DecimalField(decimal_places=0, max_digits=50)),
                ("credits_minor", models.DecimalField(decimal_places=0, max_digits=50)),
                ("verified_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
            ],
            options={
                "db_table": "ledger_verified_position",
            },
        ),
        migrations.CreateModel(
            name="BalanceMonitor",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("comparison", models.CharField(choices=[("below", "Below"), ("above", "Above")], max_length=5)),
                ("threshold_minor", models.DecimalField(decimal_places=0, max_digits=50)),
                ("active", models.BooleanField(default=True)),
                ("tripped", models.BooleanField(default=False)),
                ("created_by_id", models.BigIntegerField(null=True)),
                ("created_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("account", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="monitors", to="ledger.account")),
            ],
            options={
                "db_table": "ledger_balance_monitor",
                "permissions": [("manage_monitor", "Can set balance monitors and see to alerts")],
            },
        ),
        migrations.CreateModel(
            name="Close",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("n", models.PositiveIntegerField()),
                ("closed_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("closed_by_id", models.BigIntegerField(null=True)),
                ("proposal_id", models.UUIDField(null=True)),
                ("checklist", models.JSONField()),
                ("digest", models.CharField(max_length=64)),
                ("restatement", models.JSONField(null=True)),
                (
                    "period",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="closes", to="ledger.accountingperiod"
                    ),
                ),
            ],
            options={
                "db_table": "ledger_close",
                "ordering": ["period", "n"],
                "constraints": [models.UniqueConstraint(fields=("period", "n"), name="ledger_close_is_numbered_once")],
            },
        ),
        migrations.CreateModel(
            name="CloseBalance",
            fields=[
                ("pk", models.CompositePrimaryKey("close_id", "account_id", blank=True, editable=False, primary_key=True, serialize=False)),
                ("debits_minor", models.DecimalField(decimal_places=0, max_digits=50)),
                ("credits_minor", models.DecimalField(decimal_places=0, max_digits=50)),
                ("account_seq", models.BigIntegerField()),
                ("account", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="ledger.account")),
                (
                    "close",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="balances", to="ledger.close"
                    ),
                ),
            ],
            options={
                "db_table": "ledger_close_balance",
            },
        ),
        migrations.CreateModel(
            name="DayDelta",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "account_id", "effective_date", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("effective_date", models.DateField()),
                ("debits_minor", models.DecimalField(decimal_places=0, max_digits=50)),
                ("credits_minor", models.DecimalField(decimal_places=0, max_digits=50)),
                ("postings", models.BigIntegerField()),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to="ledger.account"
                    ),
                ),
            ],
            options={
                "db_table": "ledger_day_delta",
                "indexes": [models.Index(fields=["effective_date"], name="ledger_day_delta_by_day")],
            },
        ),
        migrations.CreateModel(
            name="HistoricalAccountGroup",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("code", models.CharField(db_index=True, max_length=20)),
                ("name", models.CharField(max_length=100)),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                ("history_type", models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1)),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "verbose_name": "historical account group",
                "verbose_name_plural": "historical account groups",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalAsset",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("code", models.CharField(db_index=True, max_length=20)),
                ("name", models.CharField(max_length=100)),
                ("scale", models.PositiveSmallIntegerField()),
                ("network", models.CharField(blank=True, max_length=40)),
                ("contract", models.CharField(blank=True, max_length=100)),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                ("history_type", models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1)),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "verbose_name": "historical asset",
                "verbose_name_plural": "historical assets",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalLegalEntity",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("code", models.CharField(db_index=True, max_length=20)),
                ("name", models.CharField(max_length=100)),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                ("history_type", models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1)),
                (
                    "functional_asset",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="ledger.asset",
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "verbose_name": "historical legal entity",
                "verbose_name_plural": "historical legal entitys",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="Hold",
            fields=[
                (
                    "transaction",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="hold",
                        serialize=False,
                        to="ledger.transaction",
                    ),
                ),
                ("direction", models.CharField(choices=[("debit", "Debit"), ("credit", "Credit")], max_length=6)),
                ("amount_minor", models.DecimalField(decimal_places=0, max_digits=38)),
                ("captured_minor", models.DecimalField(decimal_places=0, default=0, max_digits=38)),
                ("released_minor", models.DecimalField(decimal_places=0, default=0, max_digits=38)),
                ("multi_capture", models.BooleanField()),
                ("expires_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="holds", to="ledger.account"
                    ),
                ),
            ],
            options={
                "db_table": "ledger_hold",
                "ordering": ["-transaction_id"],
                "permissions": [("manage_hold", "Can place, capture and release holds")],
                "indexes": [
                    models.Index(fields=["account", "-transaction"], name="ledger_hold_by_account"),
                    models.Index(condition=models.Q(("closed_at__isnull", True)), fields=["expires_at"], name="ledger_hold_expiring"),
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("amount_minor__gt", 0)), name="ledger_hold_amount_positive"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("captured_minor__gte", 0),
                            ("released_minor__gte", 0),
                            (
                                "amount_minor__gte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("captured_minor"), "+", models.F("released_minor")
                                ),
                            ),
                        ),
                        name="ledger_hold_gives_no_more_than_it_holds",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("closed_at__isnull", True),
                            (
                                "amount_minor",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("captured_minor"), "+", models.F("released_minor")
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="ledger_closed_hold_holds_nothing",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="HoldEvent",
            fields=[
                ("id", models.UUIDField(db_default=ledgerops.lib.sql.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                (
                    "act",
                    models.CharField(
                        choices=[("placed", "Placed"), ("captured", "Captured"), ("released", "Released"), ("expired", "Expired")],
                        max_length=10,
                    ),
                ),
                ("amount_minor", models.DecimalField(decimal_places=0, max_digits=38)),
                ("terminal", models.BooleanField(default=False)),
                ("actor_id", models.BigIntegerField(null=True)),
                ("happened_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                (
                    "transaction",
                    models.ForeignKey(
                        db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.transaction"
                    ),
                ),
                ("hold", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="events", to="ledger.hold")),
            ],
            options={
                "db_table": "ledger_hold_event",
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(condition=models.Q(("terminal", True)), fields=("hold",), name="ledger_hold_ends_once"),
                    models.UniqueConstraint(condition=models.Q(("act", "placed")), fields=("hold",), name="ledger_hold_is_placed_once"),
                    models.CheckConstraint(
                        condition=models.Q(("act__in", ["placed", "captured", "released", "expired"])), name="ledger_hold_act_is_known"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="IntegrityFinding",
            fields=[
                ("id", models.UUIDField(db_default=ledgerops.lib.sql.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ("check_name", models.CharField(max_length=60)),
                (
                    "severity",
                    models.CharField(
                        choices=[("freeze", "Freezes posting in its scope"), ("alarm", "Needs somebody at once")], max_length=10
                    ),
                ),
                ("object_type", models.CharField(max_length=60)),
                ("object_id", models.CharField(max_length=200)),
                ("expected", models.JSONField(null=True)),
                ("found", models.JSONField(null=True)),
                ("sentence", models.TextField()),
                ("last_seen_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("resolved_at", models.DateTimeField(null=True)),
                ("account", models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to="ledger.account")),
                (
                    "first_run",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="findings", to="ledger.integrityrun"),
                ),
            ],
            options={
                "db_table": "ledger_integrity_finding",
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("resolved_at__isnull", True)),
                        fields=("check_name", "object_type", "object_id"),
                        name="ledger_finding_is_open_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="KeyUse",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("mismatch", models.BooleanField()),
                ("fields", models.JSONField(default=list)),
                ("actor_id", models.BigIntegerField(null=True)),
                ("request_id", models.CharField(blank=True, max_length=64)),
                ("used_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                (
                    "transaction",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="uses", to="ledger.transaction"),
                ),
            ],
            options={
                "db_table": "ledger_key_use",
                "ordering": ["-id"],
                "indexes": [models.Index(condition=models.Q(("mismatch", True)), fields=["-id"], name="ledger_key_mismatches")],
            },
        ),
        migrations.CreateModel(
            name="LegalEntityGroupObjectPermission",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("content_object", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="ledger.legalentity")),
                ("group", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="auth.group")),
                ("permission", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="auth.permission")),
            ],
            options={
                "abstract": False,
                "unique_together": {("group", "permission", "content_object")},
            },
        ),
        migrations.CreateModel(
            name="LockWait",
            fields=[
                ("pk", models.CompositePrimaryKey("account_id", "minute", blank=True, editable=False, primary_key=True, serialize=False)),
                ("minute", models.DateTimeField()),
                ("waited_ms", models.PositiveBigIntegerField()),
                ("most_waiting", models.PositiveIntegerField()),
                ("longest_ms", models.PositiveBigIntegerField()),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="lock_waits", to="ledger.account"
                    ),
                ),
            ],
            options={
                "db_table": "ledger_lock_wait",
                "indexes": [models.Index(fields=["minute"], name="ledger_lock_wait_by_minute")],
            },
        ),
        migrations.CreateModel(
            name="PartyDetails",
            fields=[
                (
                    "party",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="details",
                        serialize=False,
                        to="ledger.party",
                    ),
                ),
                ("name", models.CharField(max_length=140)),
                ("address", models.TextField(blank=True)),
                ("country", models.CharField(blank=True, max_length=2)),
                ("state", models.CharField(blank=True, max_length=3)),
                ("tax_number", models.CharField(blank=True, max_length=40)),
                ("born_on", models.DateField(null=True)),
            ],
            options={
                "db_table": "ledger_party_details",
            },
        ),
        migrations.CreateModel(
            name="HistoricalParty",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("code", models.CharField(db_index=True, max_length=40)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("customer", "Customer"),
                            ("beneficial_owner", "Beneficial owner"),
                            ("counterparty", "Counterparty"),
                            ("program", "Program"),
                        ],
                        max_length=20,
                    ),
                ),
                ("status", models.CharField(choices=[("active", "Active"), ("closed", "Closed")], default="active", max_length=10)),
                ("created_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                ("history_type", models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1)),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "program",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="ledger.party",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical party",
                "verbose_name_plural": "historical partys",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalExternalAccount",
            fields=[
                ("id", models.UUIDField(db_default=ledgerops.lib.sql.UUIDv7(), db_index=True, editable=False)),
                ("kind", models.CharField(choices=[("bank", "Bank account"), ("wallet", "Wallet")], max_length=10)),
                ("identifier", models.CharField(max_length=140)),
                ("servicer", models.CharField(blank=True, max_length=140)),
                ("label", models.CharField(blank=True, max_length=140)),
                (
                    "status",
                    models.CharField(
                        choices=[("proposed", "Proposed"), ("allowed", "Allowed"), ("revoked", "Revoked")],
                        default="proposed",
                        max_length=10,
                    ),
                ),
                ("proposal_id", models.UUIDField(null=True)),
                ("created_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("allowed_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                ("history_type", models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1)),
                (
                    "asset",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="ledger.asset",
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "party",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="ledger.party",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical external account",
                "verbose_name_plural": "historical external accounts",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalBeneficialOwnership",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("share_basis_points", models.PositiveIntegerField()),
                (
                    "capacity",
                    models.CharField(
                        choices=[
                            ("SGL", "Single"),
                            ("JNT", "Joint"),
                            ("REV", "Revocable trust"),
                            ("IRR", "Irrevocable trust"),
                            ("CRA", "Certain retirement account"),
                            ("EBP", "Employee benefit plan"),
                            ("BUS", "Business or organisation"),
                            ("GOV", "Government"),
                            ("MSA", "Mortgage servicing"),
                            ("PBA", "Public bond"),
                            ("DIT", "Depository institution as trustee"),
                            ("ANC", "Annuity contract"),
                            ("BIA", "Bank in its own right"),
                            ("DOE", "Documentation outstanding"),
                        ],
                        max_length=3,
                    ),
                ),
                ("since_on", models.DateField()),
                ("until_on", models.DateField(null=True)),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                ("history_type", models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1)),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="ledger.party",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="ledger.party",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical beneficial ownership",
                "verbose_name_plural": "historical beneficial ownerships",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalAccount",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("code", models.CharField(db_index=True, max_length=40)),
                ("name", models.CharField(max_length=120)),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("asset", "Asset"),
                            ("liability", "Liability"),
                            ("equity", "Equity"),
                            ("income", "Income"),
                            ("expense", "Expense"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "owner_class",
                    models.CharField(
                        choices=[
                            ("customer", "Customer"),
                            ("platform", "Platform"),
                            ("settlement", "Settlement"),
                            ("safeguarding", "Safeguarding"),
                            ("nostro", "Nostro"),
                            ("wallet", "Wallet"),
                            ("suspense", "Suspense"),
                            ("fee", "Fee"),
                            ("fx_position", "Fx Position"),
                            ("reserve", "Reserve"),
                            ("equity", "Equity"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "reserve_class",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("cash", "Coins and currency"),
                            ("central_bank", "Balance at a central bank"),
                            ("demand_deposit", "Demand deposit at an insured institution"),
                            ("treasury", "Treasury bill, note or bond of 93 days or less"),
                            ("repo", "Overnight repurchase agreement"),
                            ("reverse_repo", "Overnight reverse repurchase agreement"),
                            ("money_fund", "Government money market fund"),
                            ("other", "Other asset approved by the regulator"),
                        ],
                        max_length=20,
                    ),
                ),
                ("is_control", models.BooleanField(default=False)),
                (
                    "purpose",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("retained_earnings", "Retained earnings"),
                            ("fx_position", "Position in this asset"),
                            ("fx_result", "Result of exchange differences"),
                            ("rounding", "Rounding"),
                            ("shortfall", "Receivable for what customers overdrew"),
                            ("opening", "Opening balances"),
                        ],
                        max_length=30,
                    ),
                ),
                ("status", models.CharField(choices=[("open", "Open"), ("closed", "Closed")], default="open", max_length=10)),
                ("opened_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("closed_at", models.DateTimeField(null=True)),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                ("history_type", models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1)),
                (
                    "asset",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="ledger.asset",
                    ),
                ),
                (
                    "equivalent_of",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="ledger.asset",
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="ledger.accountgroup",
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="ledger.account",
                    ),
                ),
                (
                    "entity",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="ledger.legalentity",
                    ),
                ),
                (
                    "party",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="ledger.party",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical account",
                "verbose_name_plural": "historical accounts",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="ExternalAccount",
            fields=[
                ("id", models.UUIDField(db_default=ledgerops.lib.sql.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ("kind", models.CharField(choices=[("bank", "Bank account"), ("wallet", "Wallet")], max_length=10)),
                ("identifier", models.CharField(max_length=140)),
                ("servicer", models.CharField(blank=True, max_length=140)),
                ("label", models.CharField(blank=True, max_length=140)),
                (
                    "status",
                    models.CharField(
                        choices=[("proposed", "Proposed"), ("allowed", "Allowed"), ("revoked", "Revoked")],
                        default="proposed",
                        max_length=10,
                    ),
                ),
                ("proposal_id", models.UUIDField(null=True)),
                ("created_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("allowed_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                ("asset", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="ledger.asset")),
                (
                    "party",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="external_accounts", to="ledger.party"),
                ),
            ],
            options={
                "db_table": "ledger_external_account",
                "ordering": ["-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["proposed", "allowed", "revoked"])), name="ledger_external_status_is_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(models.Q(("status", "allowed"), _negated=True), ("proposal_id__isnull", False), _connector="OR"),
                        name="ledger_allowed_account_has_a_proposal",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("status", "revoked"), _negated=True),
                        fields=("party", "kind", "asset", "identifier"),
                        name="ledger_external_account_is_listed_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BeneficialOwnership",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("share_basis_points", models.PositiveIntegerField()),
                (
                    "capacity",
                    models.CharField(
                        choices=[
                            ("SGL", "Single"),
                            ("JNT", "Joint"),
                            ("REV", "Revocable trust"),
                            ("IRR", "Irrevocable trust"),
                            ("CRA", "Certain retirement account"),
                            ("EBP", "Employee benefit plan"),
                            ("BUS", "Business or organisation"),
                            ("GOV", "Government"),
                            ("MSA", "Mortgage servicing"),
                            ("PBA", "Public bond"),
                            ("DIT", "Depository institution as trustee"),
                            ("ANC", "Annuity contract"),
                            ("BIA", "Bank in its own right"),
                            ("DOE", "Documentation outstanding"),
                        ],
                        max_length=3,
                    ),
                ),
                ("since_on", models.DateField()),
                ("until_on", models.DateField(null=True)),
                ("customer", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="owners", to="ledger.party")),
                ("owner", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="owned", to="ledger.party")),
            ],
            options={
                "db_table": "ledger_beneficial_ownership",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("share_basis_points__gt", 0), ("share_basis_points__lte", 10000)),
                        name="ledger_ownership_share_is_a_part",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "capacity__in",
                                ["SGL", "JNT", "REV", "IRR", "CRA", "EBP", "BUS", "GOV", "MSA", "PBA", "DIT", "ANC", "BIA", "DOE"],
                            )
                        ),
                        name="ledger_ownership_capacity_is_known",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("until_on__isnull", True)),
                        fields=("customer", "owner", "capacity"),
                        name="ledger_owner_is_named_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Posting",
            fields=[
                ("pk", models.CompositePrimaryKey("entry_id", "line", blank=True, editable=False, primary_key=True, serialize=False)),
                ("line", models.SmallIntegerField()),
                ("lines", models.SmallIntegerField()),
                ("direction", models.CharField(choices=[("debit", "Debit"), ("credit", "Credit")], max_length=6)),
                ("amount_minor", models.DecimalField(decimal_places=0, max_digits=38)),
                ("effective_date", models.DateField()),
                ("account_seq", models.BigIntegerField(null=True)),
                ("balance_after_minor", models.DecimalField(decimal_places=0, max_digits=50, null=True)),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="postings",
                        to="ledger.account",
                    ),
                ),
                (
                    "asset",
                    models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to="ledger.asset"),
                ),
                (
                    "entity",
                    models.ForeignKey(
                        db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to="ledger.legalentity"
                    ),
                ),
                (
                    "entry",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="postings",
                        to="ledger.journalentry",
                    ),
                ),
            ],
            options={
                "db_table": "ledger_posting",
                "indexes": [
                    models.Index(fields=["account", "effective_date", "account_seq"], name="ledger_posting_by_effective"),
                    models.Index(fields=["amount_minor"], name="ledger_posting_by_amount"),
                ],
                "constraints": [models.UniqueConstraint(fields=("account", "account_seq"), name="ledger_posting_account_seq")],
            },
        ),
        migrations.CreateModel(
            name="PostingTail",
            fields=[
                ("pk", models.CompositePrimaryKey("entry_id", "line", blank=True, editable=False, primary_key=True, serialize=False)),
                ("line", models.SmallIntegerField()),
                ("effective_date", models.DateField()),
                ("direction", models.CharField(choices=[("debit", "Debit"), ("credit", "Credit")], max_length=6)),
                ("amount_minor", models.DecimalField(decimal_places=0, max_digits=38)),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to="ledger.account"
                    ),
                ),
                (
                    "entry",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.journalentry",
                    ),
                ),
            ],
            options={
                "db_table": "ledger_posting_tail",
                "indexes": [models.Index(fields=["account", "entry", "line"], name="ledger_tail_by_account")],
            },
        ),
        migrations.CreateModel(
            name="Rate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("closing", "Closing rate of a day"), ("spot", "Rate of an instant"), ("average", "Average of a month")],
                        max_length=10,
                    ),
                ),
                ("source", models.CharField(max_length=60)),
                ("at", models.DateTimeField()),
                ("value", models.DecimalField(decimal_places=18, max_digits=38)),
                ("recorded_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("recorded_by_id", models.BigIntegerField(null=True)),
                (
                    "base",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.asset"),
                ),
                (
                    "quote",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.asset"),
                ),
            ],
            options={
                "db_table": "ledger_rate",
                "ordering": ["-at", "-id"],
                "permissions": [("record_rate", "Can record rates")],
                "indexes": [models.Index(fields=["base", "quote", "kind", "-at"], name="ledger_rate_latest")],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("value__gt", 0)), name="ledger_rate_is_positive"),
                    models.CheckConstraint(
                        condition=models.Q(("base", models.F("quote")), _negated=True), name="ledger_rate_is_between_two_assets"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["closing", "spot", "average"])), name="ledger_rate_kind_is_known"
                    ),
                    models.UniqueConstraint(fields=("base", "quote", "kind", "source", "at"), name="ledger_rate_is_said_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="RecurringEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=40, unique=True)),
                ("name", models.CharField(max_length=120)),
                ("entry", models.JSONField()),
                ("frequency", models.CharField(choices=[("daily", "Daily"), ("weekly", "Weekly"), ("monthly", "Monthly")], max_length=10)),
                ("day", models.PositiveSmallIntegerField(default=1)),
                ("auto_reversing", models.BooleanField(default=False)),
                ("starts_on", models.DateField()),
                ("ends_on", models.DateField(null=True)),
                ("next_on", models.DateField(null=True)),
                ("occurrences", models.PositiveIntegerField(default=0)),
                ("proposal_id", models.UUIDField()),
                ("active", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("entity", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="ledger.legalentity")),
            ],
            options={
                "db_table": "ledger_recurring_entry",
                "ordering": ["code"],
                "indexes": [models.Index(condition=models.Q(("active", True)), fields=["next_on"], name="ledger_recurring_due")],
            },
        ),
        migrations.CreateModel(
            name="ReversedLeg",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "entry_id", "account_id", "direction", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("direction", models.CharField(choices=[("debit", "Debit"), ("credit", "Credit")], max_length=6)),
                ("amount_minor", models.DecimalField(decimal_places=0, max_digits=50)),
                ("reversed_minor", models.DecimalField(decimal_places=0, max_digits=50)),
                ("account", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to="ledger.account")),
                (
                    "entry",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="reversed_legs", to="ledger.journalentry"
                    ),
                ),
            ],
            options={
                "db_table": "ledger_reversed_leg",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("reversed_minor__gt", 0), ("reversed_minor__lte", models.F("amount_minor"))),
                        name="ledger_reversal_stays_under_its_cap",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RolledPosting",
            fields=[
                ("pk", models.CompositePrimaryKey("entry_id", "line", blank=True, editable=False, primary_key=True, serialize=False)),
                ("line", models.SmallIntegerField()),
                ("account_seq", models.BigIntegerField()),
                ("effective_date", models.DateField()),
                ("balance_after_minor", models.DecimalField(decimal_places=0, max_digits=50)),
                ("rolled_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to="ledger.account"
                    ),
                ),
                (
                    "entry",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.journalentry",
                    ),
                ),
            ],
            options={
                "db_table": "ledger_rolled_posting",
                "indexes": [models.Index(fields=["account", "effective_date", "account_seq"], name="ledger_rolled_by_effective")],
                "constraints": [models.UniqueConstraint(fields=("account", "account_seq"), name="ledger_rolled_posting_account_seq")],
            },
        ),
        migrations.CreateModel(
            name="TransactionEvent",
            fields=[
                ("id", models.UUIDField(db_default=ledgerops.lib.sql.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ("axis", models.CharField(choices=[("status", "Status"), ("settlement", "Settlement")], max_length=10)),
                ("from_status", models.CharField(max_length=15)),
                ("to_status", models.CharField(max_length=15)),
                ("outcome", models.CharField(choices=[("applied", "Applied"), ("late", "Late"), ("conflict", "Conflict")], max_length=10)),
                ("source", models.CharField(max_length=60)),
                ("source_event_id", models.CharField(max_length=200)),
                ("source_at", models.DateTimeField(null=True)),
                ("note", models.TextField(blank=True)),
                ("deliveries", models.PositiveIntegerField(default=1)),
                ("actor_id", models.BigIntegerField(null=True)),
                ("recorded_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                (
                    "transaction",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="events", to="ledger.transaction"),
                ),
            ],
            options={
                "db_table": "ledger_transaction_event",
                "ordering": ["id"],
                "indexes": [models.Index(condition=models.Q(("outcome", "conflict")), fields=["-id"], name="ledger_status_conflicts")],
                "constraints": [
                    models.UniqueConstraint(fields=("source", "source_event_id"), name="ledger_source_event_is_recorded_once"),
                    models.CheckConstraint(
                        condition=models.Q(("outcome__in", ["applied", "late", "conflict"])), name="ledger_event_outcome_is_known"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="VelocityLimit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("direction", models.CharField(choices=[("debit", "Debit"), ("credit", "Credit")], max_length=6)),
                ("window_minutes", models.PositiveIntegerField()),
                ("maximum_minor", models.DecimalField(decimal_places=0, max_digits=38, null=True)),
                ("maximum_postings", models.PositiveIntegerField(null=True)),
                ("active", models.BooleanField(default=True)),
                (
                    "account",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="velocity_limits", to="ledger.account"),
                ),
            ],
            options={
                "db_table": "ledger_velocity_limit",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("window_minutes__gt", 0)), name="ledger_velocity_window_positive"),
                    models.CheckConstraint(
                        condition=models.Q(("maximum_minor__isnull", False), ("maximum_postings__isnull", False), _connector="OR"),
                        name="ledger_velocity_limits_something",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AccountGroupGroupObjectPermission",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("content_object", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="ledger.accountgroup")),
                ("group", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="auth.group")),
                ("permission", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="auth.permission")),
            ],
            options={
                "abstract": False,
                "unique_together": {("group", "permission", "content_object")},
            },
        ),
        migrations.CreateModel(
            name="Alert",
            fields=[
                ("id", models.UUIDField(db_default=ledgerops.lib.sql.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("shortfall", "Shortfall booked as a receivable"),
                            ("monitor", "Balance crossed a level"),
                            ("integrity", "Integrity finding"),
                            ("status_conflict", "Impossible status reported"),
                            ("recurring", "Recurring entry not posted"),
                            ("chain", "Chain does not prove"),
                            ("proof", "Proof fails"),
                        ],
                        max_length=20,
                    ),
                ),
                ("transaction_id", models.UUIDField(null=True)),
                ("detail", models.JSONField()),
                ("raised_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("seen_to_at", models.DateTimeField(null=True)),
                ("seen_to_by_id", models.BigIntegerField(null=True)),
                ("seen_to_note", models.TextField(blank=True)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="alerts", to="ledger.account"
                    ),
                ),
            ],
            options={
                "db_table": "ledger_alert",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(condition=models.Q(("seen_to_at__isnull", True)), fields=["-id"], name="ledger_alert_open"),
                    models.Index(fields=["account", "-id"], name="ledger_alert_by_account"),
                ],
            },
        ),
    ]
