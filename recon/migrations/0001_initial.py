# Constraints and indexes are options of their models: for each that an operation adds, Django builds every related model anew.

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.math
import ledgerops.lib.sql
import simple_history.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("approvals", "0003_read_records"),
        ("approvals", "__first__"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("ledger", "0002_guards"),
    ]

    operations = [
        migrations.CreateModel(
            name="Source",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("bank", "Bank"),
                            ("processor", "Processor"),
                            ("custodian", "Custodian"),
                            ("chain", "Chain"),
                            ("operational", "Operational"),
                        ],
                        default="bank",
                        max_length=12,
                    ),
                ),
                ("code", models.CharField(max_length=40, unique=True)),
                ("name", models.CharField(max_length=120)),
                ("servicer", models.CharField(blank=True, max_length=120)),
                ("identifier", models.CharField(max_length=60)),
                ("format", models.CharField(blank=True, max_length=20)),
                ("registered_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("account", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="source", to="ledger.account")),
                ("asset", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="ledger.asset")),
            ],
            options={
                "db_table": "recon_source",
                "ordering": ["name"],
                "permissions": [("register_source", "Can register sources")],
                "constraints": [
                    models.UniqueConstraint(fields=("identifier", "asset"), name="recon_source_is_registered_once"),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["bank", "processor", "custodian", "chain", "operational"])),
                        name="recon_source_kind_is_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Reconciliation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("home", models.BooleanField(default=False)),
                ("name", models.CharField(max_length=120)),
                ("calendar", models.CharField(default="WEEKDAYS", max_length=20)),
                ("rules_version", models.PositiveIntegerField(default=1)),
                (
                    "source",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="reconciliations", to="recon.source"),
                ),
            ],
            options={
                "db_table": "recon_reconciliation",
                "ordering": ["name"],
                "permissions": [("define_reconciliation", "Can define reconciliations and draft their rules")],
                "constraints": [
                    models.UniqueConstraint(condition=models.Q(("home", True)), fields=("source",), name="recon_source_has_one_home"),
                    models.UniqueConstraint(fields=("name",), name="recon_reconciliation_is_named_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ChainSource",
            fields=[
                (
                    "source",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="chain",
                        serialize=False,
                        to="recon.source",
                    ),
                ),
                ("chain", models.CharField(max_length=41)),
                ("delivery", models.CharField(choices=[("rpc", "Read from providers"), ("push", "Pushed over the API")], max_length=4)),
                ("kind", models.CharField(choices=[("native", "Native coin"), ("erc20", "Token contract")], max_length=6)),
                ("contract", models.CharField(blank=True, max_length=100)),
                ("decimals", models.PositiveSmallIntegerField()),
                ("addresses", django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=100), size=None)),
                ("first_block", models.PositiveBigIntegerField()),
                ("safe_after", models.PositiveIntegerField(default=1)),
                (
                    "final_rule",
                    models.CharField(
                        choices=[("tag", "The chain says which block is final"), ("depth", "So many blocks deep")],
                        default="tag",
                        max_length=5,
                    ),
                ),
                ("final_after", models.PositiveIntegerField(null=True)),
                (
                    "providers",
                    django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), default=list, size=None),
                ),
                ("active", models.BooleanField(default=True)),
                ("set_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("set_by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "db_table": "recon_chain",
                "ordering": ["source"],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("delivery__in", ["rpc", "push"])), name="recon_chain_delivery_is_known"),
                    models.CheckConstraint(condition=models.Q(("kind__in", ["native", "erc20"])), name="recon_chain_kind_is_known"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("contract", ""), ("kind", "native")),
                            models.Q(("kind", "erc20"), models.Q(("contract", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="recon_chain_token_has_a_contract",
                    ),
                    models.CheckConstraint(condition=models.Q(("addresses__len__gt", 0)), name="recon_chain_watches_an_address"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("final_after", None), ("final_rule", "tag")),
                            models.Q(("final_after__gt", 0), ("final_rule", "depth")),
                            _connector="OR",
                        ),
                        name="recon_chain_final_rule_is_whole",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("delivery", "push"), ("providers__len", 0)),
                            models.Q(("delivery", "rpc"), ("providers__len", 2)),
                            _connector="OR",
                        ),
                        name="recon_chain_is_read_from_two",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ChainBlock",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveBigIntegerField()),
                ("hash", models.CharField(max_length=100)),
                ("parent_hash", models.CharField(max_length=100)),
                ("mined_at", models.DateTimeField()),
                ("stage", models.CharField(choices=[("seen", "Seen"), ("safe", "Safe"), ("final", "Final")], default="seen", max_length=5)),
                ("balance", models.DecimalField(decimal_places=0, max_digits=78, null=True)),
                ("seen_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("orphaned_at", models.DateTimeField(null=True)),
                ("proposal_id", models.UUIDField(null=True)),
                (
                    "chain",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="blocks", to="recon.chainsource"
                    ),
                ),
            ],
            options={
                "db_table": "recon_chain_block",
                "ordering": ["-number"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("orphaned_at__isnull", True)), fields=("chain", "hash"), name="recon_chain_block_is_stored_once"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("orphaned_at__isnull", True)),
                        fields=("chain", "number"),
                        name="recon_chain_has_one_live_block_of_a_number",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("stage__in", ["seen", "safe", "final"])), name="recon_chain_block_stage_is_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("stage", "final"), _negated=True),
                            ("orphaned_at__isnull", True),
                            ("proposal_id__isnull", False),
                            _connector="OR",
                        ),
                        name="recon_chain_final_block_is_orphaned_by_two",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="HandoverMark",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("seen_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
            ],
            options={
                "db_table": "recon_handover_mark",
            },
        ),
        migrations.CreateModel(
            name="Run",
            fields=[
                ("id", models.UUIDField(db_default=ledgerops.lib.sql.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ("number", models.BigIntegerField(unique=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("completed", "Completed"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="queued",
                        max_length=10,
                    ),
                ),
                ("requested_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("started_at", models.DateTimeField(null=True)),
                ("heartbeat_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("step", models.CharField(blank=True, max_length=40)),
                ("passes_done", models.PositiveSmallIntegerField(default=0)),
                ("passes_total", models.PositiveSmallIntegerField(default=0)),
                ("watermark", models.CharField(blank=True, max_length=64)),
                ("cancel_asked_at", models.DateTimeField(null=True)),
                ("items_total", models.PositiveIntegerField(default=0)),
                ("items_done", models.PositiveIntegerField(default=0)),
                ("ledger_items", models.PositiveIntegerField(default=0)),
                ("statement_items", models.PositiveIntegerField(default=0)),
                ("matches_made", models.PositiveIntegerField(default=0)),
                ("breaks_opened", models.PositiveIntegerField(default=0)),
                ("breaks_resolved", models.PositiveIntegerField(default=0)),
                ("suggestions_made", models.PositiveIntegerField(default=0)),
                ("challenges_raised", models.PositiveIntegerField(default=0)),
                ("through_account_seq", models.BigIntegerField(null=True)),
                ("rules_version", models.PositiveIntegerField(default=1)),
                ("failure", models.TextField(blank=True)),
                (
                    "cancel_asked_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "reconciliation",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="runs", to="recon.reconciliation"),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "recon_run",
                "ordering": ["-id"],
                "permissions": [("run_reconciliation", "Can start reconciliation runs")],
                "indexes": [models.Index(fields=["status", "-id"], name="recon_run_by_status")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "queued")), fields=("reconciliation",), name="recon_one_queued_run_per_reconciliation"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("status", "running")),
                        fields=("reconciliation",),
                        name="recon_one_running_run_per_reconciliation",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["queued", "running", "completed", "failed", "cancelled"])),
                        name="recon_run_status_is_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Match",
            fields=[
                ("id", models.UUIDField(db_default=ledgerops.lib.sql.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                (
                    "method",
                    models.CharField(
                        choices=[
                            ("rule", "Rule"),
                            ("manual", "Manual"),
                            ("adjustment", "Adjustment"),
                            ("write_off", "Write Off"),
                            ("rebooking", "Rebooking"),
                        ],
                        max_length=10,
                    ),
                ),
                ("rules_version", models.PositiveIntegerField(null=True)),
                ("pass_id", models.CharField(blank=True, db_default="", max_length=40)),
                ("proposal_id", models.UUIDField(null=True)),
                ("explanation", models.JSONField()),
                ("made_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                (
                    "made_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "reconciliation",
                    models.ForeignKey(
                        db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name="matches", to="recon.reconciliation"
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="matches", to="recon.run"
                    ),
                ),
            ],
            options={
                "db_table": "recon_match",
                "permissions": [("match_items", "Can match items by hand"), ("undo_match", "Can undo matches of open periods")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("method__in", ["rule", "manual", "adjustment", "write_off", "rebooking"])),
                        name="recon_match_method_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(models.Q(("method", "manual"), _negated=True), ("made_by__isnull", False), _connector="OR"),
                        name="recon_manual_match_has_a_maker",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("method__in", ("adjustment", "write_off", "rebooking")), _negated=True),
                            ("proposal_id__isnull", False),
                            _connector="OR",
                        ),
                        name="recon_adjustment_match_has_a_proposal",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProofDefinition",
            fields=[
                ("id", models.UUIDField(db_default=ledgerops.lib.sql.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ("code", models.CharField(max_length=40)),
                ("version", models.PositiveIntegerField(default=1)),
                ("name", models.CharField(max_length=120)),
                ("kind", models.CharField(choices=[("customer_money", "Customer money"), ("reserves", "Reserves")], max_length=20)),
                ("terms", models.JSONField()),
                ("starts_on", models.DateField()),
                ("defined_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("asset", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.asset")),
                (
                    "defined_by",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
                ),
                ("entity", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.legalentity")),
            ],
            options={
                "db_table": "recon_proof_definition",
                "ordering": ["code", "-version"],
                "permissions": [
                    ("define_proof", "Can define what is proven every day"),
                    ("run_proof", "Can have proofs made and propose to certify them"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("code", "version"), name="recon_proof_version_is_numbered_once"),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["customer_money", "reserves"])), name="recon_proof_kind_is_known"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProofResult",
            fields=[
                ("id", models.UUIDField(db_default=ledgerops.lib.sql.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ("day", models.DateField()),
                ("n", models.PositiveIntegerField()),
                ("known_at", models.DateTimeField()),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("holds", "Holds"),
                            ("surplus", "Surplus"),
                            ("shortfall", "Shortfall"),
                            ("mismatch", "Supply is not what the books say"),
                            ("incomplete", "Incomplete"),
                        ],
                        max_length=12,
                    ),
                ),
                ("difference_minor", models.DecimalField(decimal_places=0, max_digits=50, null=True)),
                ("canonical", models.TextField()),
                ("digest", models.CharField(max_length=64)),
                ("made_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                (
                    "made_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "definition",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="results", to="recon.proofdefinition"
                    ),
                ),
            ],
            options={
                "db_table": "recon_proof_result",
                "ordering": ["-day", "-n"],
                "constraints": [
                    models.UniqueConstraint(fields=("definition", "day", "n"), name="recon_proof_result_is_numbered_once"),
                    models.CheckConstraint(
                        condition=models.Q(("outcome__in", ["holds", "surplus", "shortfall", "mismatch", "incomplete"])),
                        name="recon_proof_outcome_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("difference_minor", None), ("outcome", "incomplete")),
                            models.Q(("difference_minor__gte", 0), ("outcome", "holds")),
                            models.Q(("difference_minor__gt", 0), ("outcome", "surplus")),
                            models.Q(("difference_minor__lt", 0), ("outcome", "shortfall")),
                            models.Q(("difference_minor__isnull", False), ("outcome", "mismatch")),
                            _connector="OR",
                        ),
                        name="recon_proof_outcome_is_its_difference",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StatementFile",
            fields=[
                ("id", models.UUIDField(db_default=ledgerops.lib.sql.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ("sha256", models.CharField(max_length=64)),
                ("size_bytes", models.BigIntegerField()),
                ("name", models.CharField(max_length=255)),
                ("format", models.CharField(blank=True, max_length=20)),
                (
                    "status",
                    models.CharField(
                        choices=[("stored", "Stored"), ("received", "Received"), ("accepted", "Accepted"), ("refused", "Refused")],
                        max_length=10,
                    ),
                ),
                ("errors", models.JSONField(default=list)),
                (
                    "channel",
                    models.CharField(
                        choices=[("upload", "Upload"), ("folder", "Folder"), ("api", "Api"), ("chain", "Chain")],
                        default="upload",
                        max_length=6,
                    ),
                ),
                ("summary", models.JSONField(default=dict)),
                ("delivery_key", models.CharField(blank=True, max_length=100)),
                ("received_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("accepted_at", models.DateTimeField(null=True)),
                (
                    "received_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="files", to="recon.source"),
                ),
            ],
            options={
                "db_table": "recon_file",
                "ordering": ["-id"],
                "permissions": [("upload_statement", "Can upload and accept statements")],
                "indexes": [models.Index(fields=["status", "-id"], name="recon_file_by_status")],
                "constraints": [
                    models.UniqueConstraint(fields=("sha256",), name="recon_file_is_stored_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("delivery_key", ""), _negated=True),
                        fields=("source", "delivery_key"),
                        name="recon_delivery_key_is_used_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["stored", "received", "accepted", "refused"])), name="recon_file_status_is_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("channel__in", ["upload", "folder", "api", "chain"])), name="recon_file_channel_is_known"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="MappingVersion",
            fields=[
                ("id", models.UUIDField(db_default=ledgerops.lib.sql.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ("number", models.PositiveIntegerField()),
                ("definition", models.JSONField()),
                ("digest", models.CharField(max_length=64)),
                (
                    "status",
                    models.CharField(
                        choices=[("draft", "Draft"), ("submitted", "Submitted"), ("approved", "Approved"), ("rejected", "Rejected")],
                        default="draft",
                        max_length=10,
                    ),
                ),
                ("drafted_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("proposal_id", models.UUIDField(null=True)),
                ("approved_at", models.DateTimeField(null=True)),
                (
                    "drafted_by",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
                ),
                ("source", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="mappings", to="recon.source")),
                (
                    "sample",
                    models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="recon.statementfile"),
                ),
            ],
            options={
                "db_table": "recon_mapping_version",
                "ordering": ["source", "-number"],
                "permissions": [("map_source", "Can draft mappings of sources and submit them")],
                "constraints": [
                    models.UniqueConstraint(fields=("source", "number"), name="recon_mapping_version_is_numbered_once"),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["draft", "submitted", "approved", "rejected"])),
                        name="recon_mapping_status_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "approved"), _negated=True),
                            models.Q(("approved_at__isnull", False), ("proposal_id__isnull", False)),
                            _connector="OR",
                        ),
                        name="recon_approved_mapping_has_a_proposal",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Statement",
            fields=[
                ("id", models.UUIDField(db_default=ledgerops.lib.sql.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ("ordinal", models.PositiveIntegerField()),
                ("number", models.CharField(blank=True, max_length=60)),
                ("opening_minor", models.DecimalField(decimal_places=0, max_digits=38, null=True)),
                ("closing_minor", models.DecimalField(decimal_places=0, max_digits=38, null=True)),
                ("opening_date", models.DateField(null=True)),
                ("closing_date", models.DateField()),
                ("line_count", models.PositiveIntegerField()),
                ("movements_minor", models.DecimalField(decimal_places=0, max_digits=38)),
                (
                    "proof",
                    models.CharField(choices=[("proven", "Proven"), ("unproven", "Unproven"), ("no_balance", "No Balance")], max_length=10),
                ),
                ("difference_minor", models.DecimalField(decimal_places=0, max_digits=38)),
                ("gap_minor", models.DecimalField(decimal_places=0, max_digits=38, null=True)),
                ("repeated_minor", models.DecimalField(db_default=0, decimal_places=0, default=0, max_digits=38)),
                ("content_digest", models.CharField(max_length=64)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("statement", "Statement"),
                            ("intraday", "Intraday"),
                            ("notification", "Notification"),
                            ("report", "Report"),
                        ],
                        default="statement",
                        max_length=12,
                    ),
                ),
                (
                    "purpose",
                    models.CharField(
                        choices=[("update", "Update"), ("correction", "Correction"), ("deletion", "Deletion")],
                        default="update",
                        max_length=10,
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1)),
                ("period_start", models.DateField(null=True)),
                ("booked_from", models.DateField(null=True)),
                ("booked_to", models.DateField(null=True)),
                ("sequence", models.PositiveIntegerField(null=True)),
                ("controls", models.JSONField(default=list)),
                ("quarantined", models.PositiveIntegerField(default=0)),
                ("accepted_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                (
                    "mapping",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="statements", to="recon.mappingversion"
                    ),
                ),
                ("source", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="statements", to="recon.source")),
                (
                    "supersedes",
                    models.OneToOneField(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="superseded_by", to="recon.statement"
                    ),
                ),
                (
                    "file",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="statements", to="recon.statementfile"),
                ),
            ],
            options={
                "db_table": "recon_statement",
                "ordering": ["-closing_date", "-id"],
                "indexes": [
                    models.Index(fields=["source", "-closing_date"], name="recon_statement_by_source"),
                    models.Index(fields=["source", "booked_to"], name="recon_statement_by_booking"),
                    models.Index(fields=["-closing_date", "-id"], name="recon_statement_by_closing"),
                    models.Index(fields=["proof", "-closing_date", "-id"], name="recon_statement_by_proof"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("file", "ordinal", "version"), name="recon_statement_has_one_place_in_its_file"),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["statement", "intraday", "notification", "report"])),
                        name="recon_statement_kind_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("purpose__in", ["update", "correction", "deletion"])), name="recon_statement_purpose_is_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("supersedes", None), ("version", 1)),
                            models.Q(("supersedes__isnull", False), ("version__gt", 1)),
                            _connector="OR",
                        ),
                        name="recon_later_version_supersedes_one",
                    ),
                    models.UniqueConstraint(fields=("source", "content_digest"), name="recon_statement_is_accepted_once"),
                    models.CheckConstraint(
                        condition=models.Q(("proof__in", ["proven", "unproven", "no_balance"])), name="recon_statement_proof_is_known"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StatementLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("ordinal", models.PositiveIntegerField()),
                ("booking_date", models.DateField()),
                ("value_date", models.DateField()),
                ("flow", models.CharField(choices=[("in", "In"), ("out", "Out")], max_length=3)),
                ("amount_minor", models.DecimalField(decimal_places=0, max_digits=38)),
                ("reversal", models.BooleanField(default=False)),
                ("booked", models.BooleanField(default=True)),
                ("reference", models.CharField(blank=True, max_length=140)),
                ("bank_reference", models.CharField(blank=True, max_length=140)),
                ("end_to_end_id", models.CharField(blank=True, max_length=140)),
                ("counterparty", models.CharField(blank=True, max_length=200)),
                ("counterparty_account", models.CharField(blank=True, max_length=60)),
                ("transaction_code", models.CharField(blank=True, max_length=60)),
                ("description", models.TextField(blank=True)),
                ("raw", models.TextField()),
                ("place", models.CharField(max_length=200)),
                ("facts", models.JSONField(default=dict)),
                ("details_total_minor", models.DecimalField(decimal_places=0, max_digits=38, null=True)),
                ("content_key", models.CharField(blank=True, max_length=32)),
                ("match_key", models.CharField(blank=True, max_length=140)),
                ("keys", django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None)),
                (
                    "statement",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="statement_lines",
                        to="recon.statement",
                    ),
                ),
            ],
            options={
                "db_table": "recon_statement_line",
                "ordering": ["statement", "ordinal"],
                "constraints": [
                    models.UniqueConstraint(fields=("statement", "ordinal"), name="recon_line_has_one_place_in_its_statement"),
                    models.CheckConstraint(condition=models.Q(("amount_minor__gte", 0)), name="recon_line_amount_not_negative"),
                    models.CheckConstraint(condition=models.Q(("flow__in", ["in", "out"])), name="recon_line_flow_is_known"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Population",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveSmallIntegerField()),
                ("name", models.CharField(max_length=120)),
                ("side", models.CharField(choices=[("ledger", "Ledger"), ("statement", "Statement")], max_length=9)),
                ("sign", models.SmallIntegerField(default=1)),
                (
                    "codes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60), blank=True, default=list, size=None
                    ),
                ),
                (
                    "without_codes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60), blank=True, default=list, size=None
                    ),
                ),
                (
                    "reconciliation",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="populations", to="recon.reconciliation"),
                ),
                (
                    "source",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="populations", to="recon.source"
                    ),
                ),
            ],
            options={
                "db_table": "recon_population",
                "ordering": ["position"],
                "constraints": [
                    models.UniqueConstraint(fields=("reconciliation", "position"), name="recon_population_has_one_place"),
                    models.UniqueConstraint(fields=("reconciliation", "name"), name="recon_population_is_named_once"),
                    models.CheckConstraint(condition=models.Q(("sign__in", (-1, 1))), name="recon_population_sign_is_known"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("side", "ledger"), ("source", None)),
                            models.Q(("side", "statement"), ("source__isnull", False)),
                            _connector="OR",
                        ),
                        name="recon_population_has_one_origin",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Item",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("side", models.CharField(choices=[("ledger", "Ledger"), ("statement", "Statement")], max_length=9)),
                ("entry_id", models.UUIDField(null=True)),
                ("entry_line", models.PositiveSmallIntegerField(null=True)),
                ("flow", models.CharField(choices=[("in", "In"), ("out", "Out")], max_length=3)),
                ("amount_minor", models.DecimalField(decimal_places=0, max_digits=38)),
                ("item_date", models.DateField()),
                ("match_key", models.CharField(blank=True, max_length=140)),
                ("reference", models.CharField(blank=True, max_length=140)),
                ("counterparty", models.CharField(blank=True, max_length=200)),
                (
                    "keys",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(),
                        db_default=models.Value([], django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
                        default=list,
                        size=None,
                    ),
                ),
                ("open_minor", models.DecimalField(decimal_places=0, max_digits=38)),
                (
                    "open",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Case(models.When(open_minor__gt=0, then=True), default=False),
                        output_field=models.BooleanField(),
                    ),
                ),
                ("content_key", models.CharField(blank=True, db_default="", max_length=32)),
                ("occurrence", models.PositiveIntegerField(null=True)),
                (
                    "reconciliation",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="items",
                        to="recon.reconciliation",
                    ),
                ),
                (
                    "population",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="items",
                        to="recon.population",
                    ),
                ),
                (
                    "statement_line",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="items",
                        to="recon.statementline",
                    ),
                ),
                (
                    "withdrawn_by",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="withdrawn_items",
                        to="recon.statement",
                    ),
                ),
            ],
            options={
                "db_table": "recon_item",
                "indexes": [
                    models.Index(
                        condition=models.Q(("withdrawn_by__isnull", False)), fields=["withdrawn_by"], name="recon_item_by_withdrawal"
                    ),
                    models.Index(
                        condition=models.Q(("match_key", ""), _negated=True),
                        fields=["reconciliation", "match_key", "amount_minor"],
                        name="recon_item_by_key",
                    ),
                    models.Index(
                        condition=models.Q(("open_minor__gt", 0)),
                        fields=["reconciliation", "amount_minor", "item_date"],
                        name="recon_item_open_by_amount",
                    ),
                    django.contrib.postgres.indexes.BrinIndex(fields=["item_date"], name="recon_item_by_day", pages_per_range=32),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("side", "statement"), ("withdrawn_by", None)),
                        fields=("population", "content_key", "occurrence"),
                        name="recon_line_counts_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("statement_line__isnull", False)),
                        fields=("statement_line", "reconciliation"),
                        name="recon_line_is_one_item",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("withdrawn_by", None), ("open_minor", 0), _connector="OR"),
                        name="recon_withdrawn_item_is_not_open",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("open_minor__gte", 0), ("open_minor__lte", models.F("amount_minor"))),
                        name="recon_item_is_open_for_no_more",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("side", "ledger")),
                        fields=("reconciliation", "entry_id", "entry_line"),
                        name="recon_posting_is_one_item",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("entry_id__isnull", False),
                                ("entry_line__isnull", False),
                                ("side", "ledger"),
                                ("statement_line__isnull", True),
                            ),
                            models.Q(
                                ("entry_id__isnull", True),
                                ("entry_line__isnull", True),
                                ("side", "statement"),
                                ("statement_line__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="recon_item_has_one_origin",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Break",
            fields=[
                ("id", models.UUIDField(db_default=ledgerops.lib.sql.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ("number", models.BigIntegerField(unique=True)),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("missing_external", "Missing External"),
                            ("missing_internal", "Missing Internal"),
                            ("amount", "Amount"),
                            ("date", "Date"),
                            ("duplicate_external", "Duplicate External"),
                            ("duplicate_internal", "Duplicate Internal"),
                            ("ambiguous", "Ambiguous"),
                            ("stale_feed", "Stale Feed"),
                            ("chain_reorg", "Chain Reorg"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Open"), ("investigating", "Investigating"), ("proposed", "Proposed"), ("resolved", "Resolved")],
                        default="open",
                        max_length=15,
                    ),
                ),
                ("difference_minor", models.DecimalField(decimal_places=0, max_digits=38)),
                ("occurred_on", models.DateField()),
                ("reference", models.CharField(blank=True, max_length=140)),
                ("counterparty", models.CharField(blank=True, max_length=200)),
                ("opened_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("resolved_at", models.DateTimeField(null=True)),
                ("cause", models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict)),
                ("missing_days", models.JSONField(db_default=models.Value([], models.JSONField()), default=list)),
                ("resolution", models.CharField(blank=True, db_default="", max_length=200)),
                ("snoozed_until", models.DateField(null=True)),
                ("snooze_reason", models.CharField(blank=True, db_default="", max_length=200)),
                ("version", models.PositiveIntegerField(default=1)),
                (
                    "assignee",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="breaks_assigned", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="children", to="recon.break"),
                ),
                (
                    "previous_assignee",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "root_cause",
                    models.ForeignKey(
                        db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="approvals.reasoncode"
                    ),
                ),
                (
                    "reconciliation",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="breaks", to="recon.reconciliation"),
                ),
                (
                    "ledger_item",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ledger_breaks",
                        to="recon.item",
                    ),
                ),
                (
                    "statement_item",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="statement_breaks",
                        to="recon.item",
                    ),
                ),
                (
                    "resolved_by",
                    models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="breaks", to="recon.match"),
                ),
                (
                    "opened_by_run",
                    models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="breaks", to="recon.run"),
                ),
                (
                    "withdrawn_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="withdrawn_breaks",
                        to="recon.statement",
                    ),
                ),
            ],
            options={
                "db_table": "recon_break",
                "ordering": ["occurred_on", "number"],
                "permissions": [
                    ("work_break", "Can assign and comment on breaks"),
                    ("propose_adjustment", "Can propose adjustments"),
                    ("accept_chain", "Can propose that another chain than the one that was final is accepted"),
                ],
                "indexes": [
                    models.Index(fields=["state", "occurred_on", "number"], name="recon_break_by_state"),
                    models.Index(fields=["reconciliation", "state", "occurred_on"], name="recon_break_by_reconciliation"),
                    models.Index(fields=["assignee", "state"], name="recon_break_by_assignee"),
                    models.Index(
                        condition=models.Q(("snoozed_until__isnull", False)), fields=["snoozed_until"], name="recon_break_put_off"
                    ),
                    models.Index(
                        condition=models.Q(("state", "resolved"), _negated=True),
                        fields=["occurred_on", "number"],
                        name="recon_break_live_by_date",
                    ),
                    models.Index(
                        django.db.models.functions.math.Abs("difference_minor"),
                        models.F("number"),
                        condition=models.Q(("state", "resolved"), _negated=True),
                        name="recon_break_live_by_size",
                    ),
                    models.Index(
                        models.F("state"),
                        django.db.models.functions.math.Abs("difference_minor"),
                        models.F("number"),
                        name="recon_break_by_state_and_size",
                    ),
                    models.Index(
                        condition=models.Q(models.Q(("state", "resolved"), _negated=True), ("parent", None)),
                        fields=["reconciliation", "occurred_on"],
                        include=("difference_minor", "assignee", "snoozed_until"),
                        name="recon_break_live_by_account",
                    ),
                    models.Index(fields=["opened_at"], include=("reconciliation",), name="recon_break_by_opening"),
                    models.Index(
                        condition=models.Q(("state", "resolved")),
                        fields=["resolved_at"],
                        include=("reconciliation",),
                        name="recon_break_by_resolution",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "type__in",
                                [
                                    "missing_external",
                                    "missing_internal",
                                    "amount",
                                    "date",
                                    "duplicate_external",
                                    "duplicate_internal",
                                    "ambiguous",
                                    "stale_feed",
                                    "chain_reorg",
                                ],
                            )
                        ),
                        name="recon_break_type_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["open", "investigating", "proposed", "resolved"])),
                        name="recon_break_state_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                models.Q(("type__in", ("stale_feed", "chain_reorg")), _negated=True),
                                models.Q(("ledger_item__isnull", False), ("statement_item__isnull", False), _connector="OR"),
                            ),
                            models.Q(("ledger_item", None), ("statement_item", None), ("type__in", ("stale_feed", "chain_reorg"))),
                            _connector="OR",
                        ),
                        name="recon_break_has_an_item",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("resolved_at__isnull", False),
                                ("resolved_by__isnull", False),
                                ("state", "resolved"),
                                ("withdrawn_by", None),
                                models.Q(("type__in", ("stale_feed", "chain_reorg")), _negated=True),
                            ),
                            models.Q(
                                ("resolved_at__isnull", False),
                                ("resolved_by", None),
                                ("state", "resolved"),
                                ("withdrawn_by__isnull", False),
                                models.Q(("type__in", ("stale_feed", "chain_reorg")), _negated=True),
                            ),
                            models.Q(
                                ("resolved_at__isnull", False),
                                ("resolved_by", None),
                                ("state", "resolved"),
                                ("type__in", ("stale_feed", "chain_reorg")),
                                ("withdrawn_by", None),
                                models.Q(("resolution", ""), _negated=True),
                            ),
                            models.Q(models.Q(("state", "resolved"), _negated=True), ("resolved_by", None), ("withdrawn_by", None)),
                            _connector="OR",
                        ),
                        name="recon_break_closes_by_a_match",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("parent", None), ("type", "stale_feed")),
                            models.Q(("missing_days", []), ("parent", None), ("type", "chain_reorg")),
                            models.Q(
                                models.Q(("type__in", ("stale_feed", "chain_reorg")), _negated=True),
                                ("missing_days", []),
                                ("resolution", ""),
                            ),
                            _connector="OR",
                        ),
                        name="recon_only_a_stale_feed_waits_for_days",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("snooze_reason", ""), ("snoozed_until", None)),
                            models.Q(("snoozed_until__isnull", False), models.Q(("snooze_reason", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="recon_break_is_snoozed_with_a_reason",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("type", "stale_feed"), models.Q(("state", "resolved"), _negated=True)),
                        fields=("reconciliation",),
                        name="recon_source_has_one_live_stale_feed",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("type", "chain_reorg"), models.Q(("state", "resolved"), _negated=True)),
                        fields=("reconciliation",),
                        name="recon_source_has_one_live_reorganisation",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "resolved"), _negated=True),
                        fields=("ledger_item",),
                        name="recon_ledger_item_has_one_live_break",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "resolved"), _negated=True),
                        fields=("statement_item",),
                        name="recon_statement_item_has_one_live_break",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BreakComment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.TextField()),
                ("written_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("author", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("recon_break", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="comments", to="recon.break")),
            ],
            options={
                "db_table": "recon_break_comment",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="BusinessDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("calendar", models.CharField(max_length=20)),
                ("day", models.DateField()),
                ("number", models.IntegerField()),
            ],
            options={
                "db_table": "recon_business_day",
                "constraints": [models.UniqueConstraint(fields=("calendar", "day"), include=("number",), name="recon_day_is_counted_once")],
            },
        ),
        migrations.CreateModel(
            name="FiguresCount",
            fields=[
                (
                    "reconciliation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="figures_count",
                        serialize=False,
                        to="recon.reconciliation",
                    ),
                ),
                ("counted_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("whole_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "recon_figures_count",
            },
        ),
        migrations.CreateModel(
            name="Certificate",
            fields=[
                ("id", models.UUIDField(db_default=ledgerops.lib.sql.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ("first_day", models.DateField()),
                ("last_day", models.DateField()),
                ("content", models.JSONField()),
                ("canonical", models.TextField()),
                ("digest", models.CharField(max_length=64)),
                ("pack", models.BinaryField()),
                ("pack_digest", models.CharField(max_length=64)),
                ("proposal_id", models.UUIDField(unique=True)),
                ("certified_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("withdrawal_id", models.UUIDField(null=True)),
                ("withdrawn_at", models.DateTimeField(null=True)),
                ("account", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.account")),
                (
                    "prepared_by",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
                ),
                (
                    "reviewed_by",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
                ),
                (
                    "reconciliation",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="certificates", to="recon.reconciliation"),
                ),
            ],
            options={
                "db_table": "recon_certificate",
                "ordering": ["-last_day", "-id"],
                "permissions": [("prepare_certificate", "Can prepare certificates of accounts, and ask that one is withdrawn")],
                "indexes": [models.Index(fields=["reconciliation", "-last_day"], name="recon_certificate_by_day")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("last_day__gte", models.F("first_day"))), name="recon_certificate_is_of_days"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reviewed_by", models.F("prepared_by")), _negated=True), name="recon_reviewer_is_not_preparer"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("withdrawal_id", None), ("withdrawn_at", None)),
                            models.Q(("withdrawal_id__isnull", False), ("withdrawn_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="recon_certificate_is_withdrawn_by_a_proposal",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CertifiedDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("ledger_minor", models.DecimalField(decimal_places=0, max_digits=50)),
                ("external_minor", models.DecimalField(decimal_places=0, max_digits=50)),
                ("open_minor", models.DecimalField(decimal_places=0, max_digits=50)),
                ("withdrawn_at", models.DateTimeField(null=True)),
                (
                    "certificate",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="days", to="recon.certificate"),
                ),
                (
                    "reconciliation",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="recon.reconciliation"
                    ),
                ),
            ],
            options={
                "db_table": "recon_certified_day",
                "ordering": ["day"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("withdrawn_at", None)), fields=("reconciliation", "day"), name="recon_day_is_certified_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "ledger_minor",
                                django.db.models.expressions.CombinedExpression(models.F("external_minor"), "+", models.F("open_minor")),
                            )
                        ),
                        name="recon_certified_day_is_explained",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BreakRoute",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveSmallIntegerField(unique=True)),
                (
                    "type",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("missing_external", "Missing External"),
                            ("missing_internal", "Missing Internal"),
                            ("amount", "Amount"),
                            ("date", "Date"),
                            ("duplicate_external", "Duplicate External"),
                            ("duplicate_internal", "Duplicate Internal"),
                            ("ambiguous", "Ambiguous"),
                            ("stale_feed", "Stale Feed"),
                            ("chain_reorg", "Chain Reorg"),
                        ],
                        max_length=20,
                    ),
                ),
                ("least_minor", models.DecimalField(decimal_places=0, default=0, max_digits=38)),
                (
                    "assignee",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="recon.source"
                    ),
                ),
            ],
            options={
                "db_table": "recon_break_route",
                "ordering": ["position"],
                "permissions": [("route_break", "Can say whom new breaks go to")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("type", ""),
                            (
                                "type__in",
                                [
                                    "missing_external",
                                    "missing_internal",
                                    "amount",
                                    "date",
                                    "duplicate_external",
                                    "duplicate_internal",
                                    "ambiguous",
                                    "stale_feed",
                                    "chain_reorg",
                                ],
                            ),
                            _connector="OR",
                        ),
                        name="recon_route_type_is_known",
                    ),
                    models.CheckConstraint(condition=models.Q(("least_minor__gte", 0)), name="recon_route_amount_is_no_debt"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ChainTransfer",
            fields=[
                ("id", models.UUIDField(db_default=ledgerops.lib.sql.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ("tx_hash", models.CharField(max_length=100)),
                ("log_index", models.IntegerField()),
                ("kind", models.CharField(choices=[("token", "Token transfer"), ("value", "Native coin"), ("gas", "Gas")], max_length=5)),
                ("contract", models.CharField(blank=True, max_length=100)),
                ("sender", models.CharField(blank=True, max_length=100)),
                ("recipient", models.CharField(blank=True, max_length=100)),
                ("value", models.DecimalField(decimal_places=0, max_digits=78)),
                ("flow", models.CharField(choices=[("in", "In"), ("out", "Out")], max_length=3)),
                ("gas", models.DecimalField(decimal_places=0, max_digits=78, null=True)),
                ("failed", models.BooleanField(default=False)),
                (
                    "uncounted",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("zero_value", "moves nothing"),
                            ("unlisted_contract", "another contract"),
                            ("self", "between our own addresses"),
                            ("too_large", "more digits than the books hold"),
                        ],
                        max_length=20,
                    ),
                ),
                ("seen_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("orphaned_at", models.DateTimeField(null=True)),
                ("block", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="transfers", to="recon.chainblock")),
                (
                    "chain",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="transfers", to="recon.chainsource"
                    ),
                ),
            ],
            options={
                "db_table": "recon_chain_transfer",
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["chain", "-id"], name="recon_chain_transfer_by_chain")],
                "constraints": [
                    models.UniqueConstraint(fields=("chain", "block", "tx_hash", "log_index"), name="recon_chain_transfer_is_stored_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("orphaned_at__isnull", True)),
                        fields=("chain", "tx_hash", "log_index"),
                        name="recon_chain_transfer_lives_in_one_block",
                    ),
                    models.CheckConstraint(condition=models.Q(("value__gte", 0)), name="recon_chain_transfer_value_not_negative"),
                    models.CheckConstraint(condition=models.Q(("flow__in", ["in", "out"])), name="recon_chain_transfer_flow_is_known"),
                    models.CheckConstraint(
                        condition=models.Q(("uncounted__in", ["", "zero_value", "unlisted_contract", "self", "too_large"])),
                        name="recon_chain_transfer_says_why_it_does_not_count",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "token"), ("log_index__gte", 0)),
                            models.Q(("kind", "value"), ("log_index__gte", -1)),
                            models.Q(("kind", "gas"), ("log_index", -2)),
                            _connector="OR",
                        ),
                        name="recon_chain_transfer_has_its_place",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DayFigures",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey("reconciliation_id", "day", blank=True, editable=False, primary_key=True, serialize=False),
                ),
                ("day", models.DateField()),
                ("items", models.PositiveIntegerField()),
                ("automatic", models.PositiveIntegerField()),
                ("by_people", models.PositiveIntegerField()),
                ("open_items", models.PositiveIntegerField()),
                ("items_minor", models.DecimalField(decimal_places=0, max_digits=50)),
                ("automatic_minor", models.DecimalField(decimal_places=0, max_digits=50)),
                ("by_people_minor", models.DecimalField(decimal_places=0, max_digits=50)),
                ("open_items_minor", models.DecimalField(decimal_places=0, max_digits=50)),
                ("left_minor", models.DecimalField(decimal_places=0, max_digits=50)),
                ("rule_matches", models.PositiveIntegerField()),
                ("rule_matches_undone", models.PositiveIntegerField()),
                (
                    "reconciliation",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="day_figures", to="recon.reconciliation"
                    ),
                ),
            ],
            options={
                "db_table": "recon_day_figures",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "items",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(models.F("automatic"), "+", models.F("by_people")),
                                    "+",
                                    models.F("open_items"),
                                ),
                            ),
                            (
                                "items_minor",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("automatic_minor"), "+", models.F("by_people_minor")
                                    ),
                                    "+",
                                    models.F("open_items_minor"),
                                ),
                            ),
                        ),
                        name="recon_day_figures_add_up",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("rule_matches_undone__lte", models.F("rule_matches"))),
                        name="recon_day_figures_undoes_what_was_made",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="EvidenceFile",
            fields=[
                ("id", models.UUIDField(db_default=ledgerops.lib.sql.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ("origin", models.CharField(choices=[("uploaded", "Uploaded"), ("drafted", "Drafted")], max_length=8)),
                ("name", models.CharField(max_length=140)),
                ("media_type", models.CharField(max_length=80)),
                ("sha256", models.CharField(max_length=64)),
                ("size_bytes", models.PositiveIntegerField()),
                ("note", models.CharField(blank=True, db_default="", max_length=500)),
                ("added_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                (
                    "added_by",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "recon_break",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="evidence_files", to="recon.break"
                    ),
                ),
            ],
            options={
                "db_table": "recon_evidence_file",
                "ordering": ["id"],
                "permissions": [
                    ("attach_evidence", "Can attach files to a break"),
                    ("draft_message", "Can draft messages to the bank about a break"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("recon_break", "sha256"), name="recon_evidence_stands_once"),
                    models.CheckConstraint(
                        condition=models.Q(("origin__in", ["uploaded", "drafted"])), name="recon_evidence_origin_is_known"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Feed",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "frequency",
                    models.CharField(
                        choices=[("business_daily", "Business Daily"), ("daily", "Daily"), ("weekly", "Weekly"), ("monthly", "Monthly")],
                        default="business_daily",
                        max_length=14,
                    ),
                ),
                ("calendar", models.CharField(default="WEEKDAYS", max_length=20)),
                ("timezone", models.CharField(default="UTC", max_length=60)),
                ("due_time", models.TimeField()),
                ("days_after", models.PositiveSmallIntegerField(default=1)),
                ("grace_minutes", models.PositiveIntegerField(default=120)),
                ("set_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("weekday", models.PositiveSmallIntegerField(null=True)),
                ("starts_on", models.DateField()),
                ("ends_on", models.DateField(null=True)),
                ("source", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="feed", to="recon.source")),
            ],
            options={
                "db_table": "recon_feed",
                "permissions": [("set_feed", "Can say what is expected from a source when")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("frequency__in", ["business_daily", "daily", "weekly", "monthly"])),
                        name="recon_feed_frequency_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("frequency", "weekly"), ("weekday__range", (0, 6))),
                            models.Q(models.Q(("frequency", "weekly"), _negated=True), ("weekday", None)),
                            _connector="OR",
                        ),
                        name="recon_weekly_feed_has_a_weekday",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("ends_on", None), ("ends_on__gte", models.F("starts_on")), _connector="OR"),
                        name="recon_feed_ends_after_it_starts",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="FeedWaiver",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("reason", models.CharField(max_length=200)),
                ("waived_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("feed", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="waivers", to="recon.feed")),
                (
                    "waived_by",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
                ),
            ],
            options={
                "db_table": "recon_feed_waiver",
                "constraints": [models.UniqueConstraint(fields=("feed", "day"), name="recon_feed_day_is_waived_once")],
            },
        ),
        migrations.CreateModel(
            name="HistoricalChainSource",
            fields=[
                ("chain", models.CharField(max_length=41)),
                ("delivery", models.CharField(choices=[("rpc", "Read from providers"), ("push", "Pushed over the API")], max_length=4)),
                ("kind", models.CharField(choices=[("native", "Native coin"), ("erc20", "Token contract")], max_length=6)),
                ("contract", models.CharField(blank=True, max_length=100)),
                ("decimals", models.PositiveSmallIntegerField()),
                ("addresses", django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=100), size=None)),
                ("first_block", models.PositiveBigIntegerField()),
                ("safe_after", models.PositiveIntegerField(default=1)),
                (
                    "final_rule",
                    models.CharField(
                        choices=[("tag", "The chain says which block is final"), ("depth", "So many blocks deep")],
                        default="tag",
                        max_length=5,
                    ),
                ),
                ("final_after", models.PositiveIntegerField(null=True)),
                (
                    "providers",
                    django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), default=list, size=None),
                ),
                ("active", models.BooleanField(default=True)),
                ("set_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
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
                    "set_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="recon.source",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical chain source",
                "verbose_name_plural": "historical chain sources",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalFeed",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "frequency",
                    models.CharField(
                        choices=[("business_daily", "Business Daily"), ("daily", "Daily"), ("weekly", "Weekly"), ("monthly", "Monthly")],
                        default="business_daily",
                        max_length=14,
                    ),
                ),
                ("calendar", models.CharField(default="WEEKDAYS", max_length=20)),
                ("timezone", models.CharField(default="UTC", max_length=60)),
                ("due_time", models.TimeField()),
                ("days_after", models.PositiveSmallIntegerField(default=1)),
                ("grace_minutes", models.PositiveIntegerField(default=120)),
                ("set_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("weekday", models.PositiveSmallIntegerField(null=True)),
                ("starts_on", models.DateField()),
                ("ends_on", models.DateField(null=True)),
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
                    "source",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="recon.source",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical feed",
                "verbose_name_plural": "historical feeds",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalReconciliation",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                ("home", models.BooleanField(default=False)),
                ("name", models.CharField(max_length=120)),
                ("calendar", models.CharField(default="WEEKDAYS", max_length=20)),
                ("rules_version", models.PositiveIntegerField(default=1)),
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
                    "source",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="recon.source",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical reconciliation",
                "verbose_name_plural": "historical reconciliations",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalSource",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("bank", "Bank"),
                            ("processor", "Processor"),
                            ("custodian", "Custodian"),
                            ("chain", "Chain"),
                            ("operational", "Operational"),
                        ],
                        default="bank",
                        max_length=12,
                    ),
                ),
                ("code", models.CharField(db_index=True, max_length=40)),
                ("name", models.CharField(max_length=120)),
                ("servicer", models.CharField(blank=True, max_length=120)),
                ("identifier", models.CharField(max_length=60)),
                ("format", models.CharField(blank=True, max_length=20)),
                ("registered_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                ("history_type", models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1)),
                (
                    "account",
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
            ],
            options={
                "verbose_name": "historical source",
                "verbose_name_plural": "historical sources",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="MatchUndoing",
            fields=[
                (
                    "match",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="undoing",
                        serialize=False,
                        to="recon.match",
                    ),
                ),
                ("reason", models.CharField(max_length=500)),
                ("undone_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                (
                    "undone_by",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
                ),
            ],
            options={
                "db_table": "recon_match_undoing",
            },
        ),
        migrations.CreateModel(
            name="Allocation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("amount_minor", models.DecimalField(decimal_places=0, max_digits=38)),
                ("partial", models.BooleanField(db_default=False, default=False)),
                ("revoked_at", models.DateTimeField(null=True)),
                (
                    "item",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="allocations",
                        to="recon.item",
                    ),
                ),
                (
                    "match",
                    models.ForeignKey(
                        db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name="allocations", to="recon.match"
                    ),
                ),
            ],
            options={
                "db_table": "recon_allocation",
                "indexes": [models.Index(fields=["item"], name="recon_allocation_by_item")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("partial", False), ("revoked_at__isnull", True)),
                        fields=("item",),
                        name="recon_item_is_matched_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("partial", True), ("revoked_at__isnull", True)),
                        fields=("item", "match"),
                        name="recon_item_is_in_a_match_once",
                    ),
                    models.CheckConstraint(condition=models.Q(("amount_minor__gt", 0)), name="recon_allocation_is_of_something"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Mention",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("seen_at", models.DateTimeField(null=True)),
                (
                    "comment",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="mentions", to="recon.breakcomment"),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="mentions", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "recon_mention",
                "ordering": ["-id"],
                "indexes": [models.Index(condition=models.Q(("seen_at", None)), fields=["user", "-id"], name="recon_mention_unseen")],
                "constraints": [models.UniqueConstraint(fields=("comment", "user"), name="recon_person_is_mentioned_once")],
            },
        ),
        migrations.CreateModel(
            name="NeverMatch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reason", models.CharField(max_length=500)),
                ("said_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("until", models.DateField()),
                ("left", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="recon.item")),
                ("right", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="recon.item")),
                ("said_by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "db_table": "recon_never_match",
                "constraints": [
                    models.UniqueConstraint(fields=("left", "right", "until"), name="recon_pair_is_refused_once"),
                    models.CheckConstraint(condition=models.Q(("left__lt", models.F("right"))), name="recon_refused_pair_is_in_order"),
                ],
            },
        ),
        migrations.CreateModel(
            name="PopulationAccount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("last_account_seq", models.BigIntegerField(default=0)),
                ("account", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.account")),
                (
                    "population",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="population_accounts",
                        to="recon.population",
                    ),
                ),
            ],
            options={
                "db_table": "recon_population_account",
                "constraints": [models.UniqueConstraint(fields=("population", "account"), name="recon_account_is_in_a_population_once")],
            },
        ),
        migrations.CreateModel(
            name="ProofCertificate",
            fields=[
                (
                    "result",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="certificate",
                        serialize=False,
                        to="recon.proofresult",
                    ),
                ),
                ("digest", models.CharField(max_length=64)),
                ("proposal_id", models.UUIDField(unique=True)),
                ("certified_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                (
                    "certified_by",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
                ),
                (
                    "prepared_by",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
                ),
            ],
            options={
                "db_table": "recon_proof_certificate",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("prepared_by", models.F("certified_by")), _negated=True),
                        name="recon_proof_certifier_is_not_its_preparer",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RepeatedLine",
            fields=[
                (
                    "line",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="repetition",
                        serialize=False,
                        to="recon.statementline",
                    ),
                ),
                ("proposal_id", models.UUIDField(null=True)),
                ("counted_at", models.DateTimeField(null=True)),
                (
                    "repeats",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="repeated_by", to="recon.statementline"),
                ),
            ],
            options={
                "db_table": "recon_repeated_line",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("counted_at", None), ("proposal_id", None)),
                            models.Q(("counted_at__isnull", False), ("proposal_id__isnull", False)),
                            _connector="OR",
                        ),
                        name="recon_repeated_line_counts_by_proposal",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ResolutionTerms",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField()),
                ("write_off_maximum_minor", models.DecimalField(decimal_places=0, max_digits=38)),
                ("timing_days_maximum", models.PositiveSmallIntegerField()),
                ("proposal_id", models.UUIDField(null=True)),
                ("set_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("asset", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.asset")),
                (
                    "entity",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.legalentity"
                    ),
                ),
                (
                    "write_off_account",
                    models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.account"),
                ),
            ],
            options={
                "db_table": "recon_resolution_terms",
                "ordering": ["entity", "asset", "-version"],
                "permissions": [
                    ("propose_write_off", "Can propose to write off a residual"),
                    ("propose_rebooking", "Can propose to reverse a wrong entry and book it anew"),
                    ("propose_terms", "Can propose other terms of resolutions"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("entity", "asset", "version"), name="recon_terms_have_one_version"),
                    models.CheckConstraint(
                        condition=models.Q(("timing_days_maximum__lte", 60), ("write_off_maximum_minor__gte", 0)),
                        name="recon_terms_are_in_bounds",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("version", 1), models.Q(("proposal_id__isnull", False), ("version__gt", 1)), _connector="OR"),
                        name="recon_later_terms_have_a_proposal",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RulesTrial",
            fields=[
                ("id", models.UUIDField(db_default=ledgerops.lib.sql.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ("definition", models.JSONField()),
                ("digest", models.CharField(max_length=64)),
                ("decided", models.BooleanField()),
                ("since", models.DateField(null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("completed", "Completed"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="queued",
                        max_length=10,
                    ),
                ),
                ("requested_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("started_at", models.DateTimeField(null=True)),
                ("heartbeat_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("step", models.CharField(blank=True, max_length=80)),
                ("passes_done", models.PositiveSmallIntegerField(default=0)),
                ("passes_total", models.PositiveSmallIntegerField(default=0)),
                ("result", models.JSONField(default=dict)),
                ("failure", models.CharField(blank=True, max_length=500)),
                (
                    "reconciliation",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="trials", to="recon.reconciliation"),
                ),
                (
                    "requested_by",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
                ),
            ],
            options={
                "db_table": "recon_rules_trial",
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["reconciliation", "digest", "-id"], name="recon_trial_by_rules")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["queued", "running", "completed", "failed", "cancelled"])),
                        name="recon_trial_status_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(models.Q(("decided", True), _negated=True), ("since__isnull", False), _connector="OR"),
                        name="recon_back_test_says_since_when",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RulesVersion",
            fields=[
                ("id", models.UUIDField(db_default=ledgerops.lib.sql.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ("number", models.PositiveIntegerField()),
                ("definition", models.JSONField()),
                ("digest", models.CharField(max_length=64)),
                ("note", models.CharField(blank=True, max_length=500)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("submitted", "Submitted"),
                            ("active", "Active"),
                            ("retired", "Retired"),
                            ("rejected", "Rejected"),
                        ],
                        default="draft",
                        max_length=10,
                    ),
                ),
                ("backtest", models.JSONField(null=True)),
                ("drafted_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("proposal_id", models.UUIDField(null=True)),
                ("activated_at", models.DateTimeField(null=True)),
                ("retired_at", models.DateTimeField(null=True)),
                (
                    "drafted_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "reconciliation",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="rules", to="recon.reconciliation"),
                ),
            ],
            options={
                "db_table": "recon_rules_version",
                "ordering": ["reconciliation", "-number"],
                "constraints": [
                    models.UniqueConstraint(fields=("reconciliation", "number"), name="recon_rules_version_is_numbered_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("status", "active")), fields=("reconciliation",), name="recon_one_version_of_rules_is_active"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["draft", "submitted", "active", "retired", "rejected"])),
                        name="recon_rules_status_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("drafted_by", None), ("number", 1)),
                            models.Q(
                                ("drafted_by__isnull", False),
                                models.Q(
                                    models.Q(("status__in", ("active", "retired")), _negated=True),
                                    models.Q(("activated_at__isnull", False), ("proposal_id__isnull", False)),
                                    _connector="OR",
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="recon_active_rules_have_a_proposal",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PassDemotion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("pass_id", models.CharField(max_length=40)),
                ("matches_made", models.PositiveIntegerField()),
                ("matches_undone", models.PositiveIntegerField()),
                ("demoted_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                (
                    "rules",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="demotions", to="recon.rulesversion"
                    ),
                ),
            ],
            options={
                "db_table": "recon_pass_demotion",
                "constraints": [models.UniqueConstraint(fields=("rules", "pass_id"), name="recon_pass_is_demoted_once")],
            },
        ),
        migrations.CreateModel(
            name="MatchChallenge",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("raised_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("seen_at", models.DateTimeField(null=True)),
                ("verdict", models.CharField(blank=True, max_length=500)),
                ("item", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="recon.item")),
                (
                    "match",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="challenges", to="recon.match"
                    ),
                ),
                (
                    "seen_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("run", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="recon.run")),
            ],
            options={
                "db_table": "recon_match_challenge",
                "constraints": [models.UniqueConstraint(fields=("match", "item"), name="recon_match_is_challenged_once")],
            },
        ),
        migrations.CreateModel(
            name="RunPass",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveSmallIntegerField()),
                ("pass_id", models.CharField(max_length=40)),
                ("kind", models.CharField(max_length=20)),
                ("name", models.CharField(max_length=80)),
                ("automatic", models.BooleanField()),
                ("matches", models.PositiveIntegerField(default=0)),
                ("items", models.PositiveIntegerField(default=0)),
                ("suggestions", models.PositiveIntegerField(default=0)),
                ("left_open", models.PositiveIntegerField(default=0)),
                ("took_ms", models.PositiveIntegerField(default=0)),
                ("given_up", models.JSONField(default=dict)),
                ("finished_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                (
                    "run",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="passes", to="recon.run"),
                ),
            ],
            options={
                "db_table": "recon_run_pass",
                "ordering": ["position"],
                "constraints": [models.UniqueConstraint(fields=("run", "position"), name="recon_run_pass_has_one_place")],
            },
        ),
        migrations.CreateModel(
            name="SavedView",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60)),
                ("query", models.CharField(max_length=500)),
                ("shared", models.BooleanField(default=False)),
                (
                    "owner",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="saved_views", to=settings.AUTH_USER_MODEL),
                ),
            ],
            options={
                "db_table": "recon_saved_view",
                "ordering": ["name"],
                "constraints": [models.UniqueConstraint(fields=("owner", "name"), name="recon_saved_view_is_named_once")],
            },
        ),
        migrations.CreateModel(
            name="ServiceLevel",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField()),
                ("bands", models.JSONField()),
                ("timing_days", models.PositiveSmallIntegerField()),
                ("proposal_id", models.UUIDField(null=True)),
                ("set_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                (
                    "asset",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.asset"),
                ),
            ],
            options={
                "db_table": "recon_service_level",
                "ordering": ["asset", "-version"],
                "permissions": [("propose_service_level", "Can propose other deadlines for breaks")],
                "constraints": [
                    models.UniqueConstraint(fields=("asset", "version"), name="recon_service_level_has_one_version"),
                    models.CheckConstraint(condition=models.Q(("timing_days__lte", 60)), name="recon_timing_ends"),
                    models.CheckConstraint(
                        condition=models.Q(("version", 1), models.Q(("proposal_id__isnull", False), ("version__gt", 1)), _connector="OR"),
                        name="recon_later_service_level_has_a_proposal",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SourceGroupObjectPermission",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("content_object", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="recon.source")),
                ("group", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="auth.group")),
                ("permission", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="auth.permission")),
            ],
            options={
                "abstract": False,
                "unique_together": {("group", "permission", "content_object")},
            },
        ),
        migrations.CreateModel(
            name="StandingGap",
            fields=[
                (
                    "statement",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="standing_gap",
                        serialize=False,
                        to="recon.statement",
                    ),
                ),
                ("gap_minor", models.DecimalField(decimal_places=0, max_digits=38)),
                ("closing_date", models.DateField()),
            ],
            options={
                "db_table": "recon_standing_gap",
                "indexes": [models.Index(fields=["-closing_date", "-statement"], name="recon_standing_gap_by_closing")],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("gap_minor", 0), _negated=True), name="recon_standing_gap_is_one")
                ],
            },
        ),
        migrations.CreateModel(
            name="PopulationStatement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "population",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="population_statements",
                        to="recon.population",
                    ),
                ),
                ("statement", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="recon.statement")),
            ],
            options={
                "db_table": "recon_population_statement",
                "constraints": [
                    models.UniqueConstraint(fields=("population", "statement"), name="recon_statement_is_in_a_population_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="QuarantinedRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("place", models.CharField(max_length=200)),
                ("field", models.CharField(blank=True, max_length=60)),
                ("value", models.CharField(blank=True, max_length=80)),
                ("message", models.TextField()),
                ("raw", models.TextField()),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Open"), ("dismissed", "Dismissed"), ("read_again", "Read Again")], default="open", max_length=10
                    ),
                ),
                ("ended_at", models.DateTimeField(null=True)),
                ("reason", models.CharField(blank=True, max_length=200)),
                ("quarantined_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                (
                    "ended_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="quarantined_rows", to="recon.source"),
                ),
                (
                    "file",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="quarantined_rows", to="recon.statementfile"
                    ),
                ),
            ],
            options={
                "db_table": "recon_quarantined_row",
                "ordering": ["-id"],
                "permissions": [("work_quarantine", "Can dismiss rows in quarantine and have files read again")],
                "indexes": [models.Index(fields=["state", "-id"], name="recon_quarantine_by_state")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["open", "dismissed", "read_again"])), name="recon_quarantine_state_is_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at", None), ("state", "open")),
                            models.Q(models.Q(("state", "open"), _negated=True), ("ended_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="recon_quarantine_ends_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="FileJob",
            fields=[
                ("id", models.UUIDField(db_default=ledgerops.lib.sql.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ("job", models.CharField(choices=[("read", "Read"), ("accept", "Accept"), ("take", "Take")], max_length=6)),
                (
                    "status",
                    models.CharField(
                        choices=[("queued", "Queued"), ("running", "Running"), ("done", "Done"), ("failed", "Failed")],
                        default="queued",
                        max_length=8,
                    ),
                ),
                ("restating", models.JSONField(default=list)),
                ("requested_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("started_at", models.DateTimeField(null=True)),
                ("heartbeat_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("bytes_done", models.BigIntegerField(default=0)),
                ("lines_done", models.BigIntegerField(default=0)),
                ("failure", models.TextField(blank=True)),
                (
                    "requested_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("file", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="jobs", to="recon.statementfile")),
            ],
            options={
                "db_table": "recon_file_job",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(condition=models.Q(("status__in", ["queued", "running"])), fields=["id"], name="recon_file_job_live")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ["queued", "running"])), fields=("file",), name="recon_file_has_one_live_job"
                    ),
                    models.CheckConstraint(condition=models.Q(("job__in", ["read", "accept", "take"])), name="recon_file_job_is_known"),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["queued", "running", "done", "failed"])), name="recon_file_job_status_is_known"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ChainRange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("from_block", models.PositiveBigIntegerField()),
                ("to_block", models.PositiveBigIntegerField()),
                ("to_hash", models.CharField(max_length=100)),
                ("opening", models.DecimalField(decimal_places=0, max_digits=78, null=True)),
                ("movements", models.DecimalField(decimal_places=0, max_digits=78)),
                ("closing", models.DecimalField(decimal_places=0, max_digits=78, null=True)),
                ("difference", models.DecimalField(decimal_places=0, max_digits=78, null=True)),
                ("transfers_counted", models.PositiveIntegerField()),
                ("transfers_uncounted", models.PositiveIntegerField()),
                (
                    "status",
                    models.CharField(choices=[("proven", "Proven"), ("unproven", "Unproven"), ("no_balance", "No Balance")], max_length=10),
                ),
                ("proven_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("withdrawn_at", models.DateTimeField(null=True)),
                ("proposal_id", models.UUIDField(null=True)),
                (
                    "file",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="chain_ranges", to="recon.statementfile"
                    ),
                ),
                (
                    "chain",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="ranges", to="recon.chainsource"
                    ),
                ),
            ],
            options={
                "db_table": "recon_chain_range",
                "ordering": ["-to_block"],
                "indexes": [models.Index(fields=["chain", "-to_block"], name="recon_chain_range_by_chain")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("from_block__lte", models.F("to_block"))), name="recon_chain_range_goes_forward"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["proven", "unproven", "no_balance"])), name="recon_chain_range_status_is_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("difference", None), ("status", "no_balance")),
                            models.Q(
                                (
                                    "closing",
                                    django.db.models.expressions.CombinedExpression(models.F("opening"), "+", models.F("movements")),
                                ),
                                ("difference", 0),
                                ("status", "proven"),
                            ),
                            models.Q(("difference__isnull", False), ("status", "unproven"), models.Q(("difference", 0), _negated=True)),
                            _connector="OR",
                        ),
                        name="recon_chain_range_proves_what_it_says",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Suggestion",
            fields=[
                ("id", models.UUIDField(db_default=ledgerops.lib.sql.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ("pass_id", models.CharField(max_length=40)),
                ("kind", models.CharField(max_length=20)),
                ("items", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ("score", models.DecimalField(decimal_places=3, max_digits=7)),
                ("ways", models.PositiveSmallIntegerField(default=1)),
                ("explanation", models.JSONField()),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Open"), ("accepted", "Accepted"), ("dismissed", "Dismissed")], default="open", max_length=10
                    ),
                ),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "ended_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "reconciliation",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="suggestions", to="recon.reconciliation"),
                ),
                ("run", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="recon.run")),
            ],
            options={
                "db_table": "recon_suggestion",
                "constraints": [
                    models.UniqueConstraint(fields=("reconciliation", "items"), name="recon_group_is_suggested_once"),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["open", "accepted", "dismissed"])), name="recon_suggestion_state_is_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at", None), ("ended_by", None), ("state", "open")),
                            models.Q(models.Q(("state", "open"), _negated=True), ("ended_at__isnull", False), ("ended_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="recon_suggestion_is_ended_by_somebody",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Treatment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("timing", "Timing"), ("duplicate", "Duplicate"), ("statement_error", "Statement Error")], max_length=20
                    ),
                ),
                ("narrative", models.CharField(max_length=2000)),
                ("until", models.DateField(null=True)),
                ("accepted_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("ended_at", models.DateTimeField(null=True)),
                ("end_reason", models.CharField(blank=True, db_default="", max_length=500)),
                (
                    "accepted_by",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "ended_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "reason",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="approvals.reasoncode"
                    ),
                ),
                (
                    "recon_break",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="treatments", to="recon.break"),
                ),
            ],
            options={
                "db_table": "recon_treatment",
                "ordering": ["id"],
                "permissions": [("treat_break", "Can accept a break as timing, and treat it as a duplicate or an error of the statement")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["timing", "duplicate", "statement_error"])), name="recon_treatment_kind_is_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "timing"), ("until__isnull", False)),
                            models.Q(models.Q(("kind", "timing"), _negated=True), ("until", None)),
                            _connector="OR",
                        ),
                        name="recon_only_timing_has_an_end",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("end_reason", ""), ("ended_at", None), ("ended_by", None)),
                            models.Q(("ended_at__isnull", False), ("ended_by__isnull", False), models.Q(("end_reason", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="recon_treatment_ends_with_a_reason",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)), fields=("recon_break",), name="recon_break_has_one_live_treatment"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BreakLabel",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "label",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="approvals.reasoncode"
                    ),
                ),
                (
                    "recon_break",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="labels", to="recon.break"),
                ),
            ],
            options={
                "db_table": "recon_break_label",
                "ordering": ["label"],
                "indexes": [models.Index(fields=["label", "recon_break"], name="recon_break_by_label")],
                "constraints": [models.UniqueConstraint(fields=("recon_break", "label"), name="recon_break_has_a_label_once")],
            },
        ),
        migrations.CreateModel(
            name="BreakWatcher",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "recon_break",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="watchers", to="recon.break"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "recon_break_watcher",
                "constraints": [models.UniqueConstraint(fields=("user", "recon_break"), name="recon_person_watches_a_break_once")],
            },
        ),
        migrations.CreateModel(
            name="CertificationTerms",
            fields=[
                (
                    "reconciliation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="certification_terms",
                        serialize=False,
                        to="recon.reconciliation",
                    ),
                ),
                ("break_days", models.PositiveSmallIntegerField(default=30)),
                ("owners_required", models.BooleanField(default=True)),
                ("set_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                (
                    "set_by",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "recon_certification_terms",
                "permissions": [("set_certification_terms", "Can say which breaks keep a day from being certified")],
            },
        ),
        migrations.CreateModel(
            name="ChainCursor",
            fields=[
                (
                    "chain",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="cursor",
                        serialize=False,
                        to="recon.chainsource",
                    ),
                ),
                ("next_block", models.PositiveBigIntegerField()),
                ("head", models.PositiveBigIntegerField(null=True)),
                ("safe", models.PositiveBigIntegerField(null=True)),
                ("final", models.PositiveBigIntegerField(null=True)),
                ("proven_through", models.BigIntegerField()),
                ("problem", models.JSONField(null=True)),
                ("providers", models.JSONField(default=dict)),
                ("read_at", models.DateTimeField(null=True)),
                ("heartbeat_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "recon_chain_cursor",
            },
        ),
        migrations.AddField(
            model_name="statementfile",
            name="mapping",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="files", to="recon.mappingversion"
            ),
        ),
    ]
