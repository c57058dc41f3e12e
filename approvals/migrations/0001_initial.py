# Constraints and indexes are options of their models: for each that an operation adds, Django builds every related model anew.

import django.contrib.auth.models
import django.contrib.auth.validators
import django.db.models.deletion
import django.utils.timezone
import ledgerops.lib.sql
import simple_history.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="ReasonCode",
            fields=[
                ("code", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("label", models.CharField(max_length=100)),
                ("kind", models.CharField(max_length=100)),
                ("usual_account", models.CharField(blank=True, max_length=40)),
                ("active", models.BooleanField(default=True)),
            ],
            options={
                "db_table": "approvals_reason_code",
                "ordering": ["label"],
            },
        ),
        migrations.CreateModel(
            name="User",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "username",
                    models.CharField(
                        error_messages={"unique": "A user with that username already exists."},
                        help_text="Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.",
                        max_length=150,
                        unique=True,
                        validators=[django.contrib.auth.validators.UnicodeUsernameValidator()],
                        verbose_name="username",
                    ),
                ),
                ("first_name", models.CharField(blank=True, max_length=150, verbose_name="first name")),
                ("last_name", models.CharField(blank=True, max_length=150, verbose_name="last name")),
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="email address")),
                (
                    "is_staff",
                    models.BooleanField(
                        default=False, help_text="Designates whether the user can log into this admin site.", verbose_name="staff status"
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True,
                        help_text="Designates whether this user should be treated as active. Unselect this instead of deleting accounts.",
                        verbose_name="active",
                    ),
                ),
                ("date_joined", models.DateTimeField(default=django.utils.timezone.now, verbose_name="date joined")),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "db_table": "approvals_user",
            },
            managers=[
                ("objects", django.contrib.auth.models.UserManager()),
            ],
        ),
        migrations.CreateModel(
            name="Proposal",
            fields=[
                ("id", models.UUIDField(db_default=ledgerops.lib.sql.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                ("number", models.BigIntegerField(unique=True)),
                ("kind", models.CharField(max_length=100)),
                ("title", models.CharField(max_length=200)),
                ("scope", models.CharField(max_length=100)),
                ("target_type", models.CharField(max_length=60)),
                ("target_id", models.CharField(max_length=100)),
                ("locked_object", models.CharField(max_length=100)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("submitted", "Submitted"),
                            ("changes_requested", "Changes Requested"),
                            ("executed", "Executed"),
                            ("stale", "Stale"),
                            ("failed", "Failed"),
                            ("rejected", "Rejected"),
                            ("withdrawn", "Withdrawn"),
                            ("expired", "Expired"),
                        ],
                        default="submitted",
                        max_length=20,
                    ),
                ),
                ("status_reason", models.TextField(blank=True)),
                ("current_version", models.PositiveIntegerField(default=1)),
                ("created_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("expires_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(null=True)),
                (
                    "maker",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="proposals_made", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "approvals_proposal",
                "ordering": ["-id"],
                "permissions": [
                    ("decide_proposal", "Can approve, return or reject proposals"),
                    ("set_switch", "Can stop a function at once, and propose to let it go on"),
                ],
                "indexes": [
                    models.Index(fields=["status", "-id"], name="approvals_proposal_by_status"),
                    models.Index(fields=["maker", "-id"], name="approvals_proposal_by_maker"),
                    models.Index(fields=["target_type", "target_id"], name="approvals_proposal_by_target"),
                    models.Index(
                        condition=models.Q(("status__in", ("submitted", "changes_requested"))),
                        fields=["expires_at"],
                        name="approvals_proposal_expiring",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("id", "maker"), name="approvals_proposal_has_one_maker"),
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ("submitted", "changes_requested"))),
                        fields=("locked_object",),
                        name="approvals_one_open_proposal_per_object",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                ["submitted", "changes_requested", "executed", "stale", "failed", "rejected", "withdrawn", "expired"],
                            )
                        ),
                        name="approvals_proposal_status_is_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="HistoricalReasonCode",
            fields=[
                ("code", models.CharField(db_index=True, max_length=40)),
                ("label", models.CharField(max_length=100)),
                ("kind", models.CharField(max_length=100)),
                ("usual_account", models.CharField(blank=True, max_length=40)),
                ("active", models.BooleanField(default=True)),
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
                "verbose_name": "historical reason code",
                "verbose_name_plural": "historical reason codes",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="PolicyVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=100)),
                ("n", models.PositiveIntegerField()),
                ("required_approvals", models.PositiveSmallIntegerField()),
                ("expires_after_hours", models.PositiveIntegerField()),
                ("created_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
            ],
            options={
                "db_table": "approvals_policy_version",
                "constraints": [
                    models.UniqueConstraint(fields=("kind", "n"), name="approvals_policy_version_is_numbered_once"),
                    models.CheckConstraint(condition=models.Q(("required_approvals__gte", 1)), name="approvals_policy_requires_somebody"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProposalVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("n", models.PositiveIntegerField()),
                ("payload", models.JSONField()),
                ("canonical", models.TextField()),
                ("digest", models.CharField(max_length=64)),
                ("preconditions", models.JSONField()),
                ("narrative", models.TextField()),
                ("submitted_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                ("policy_version", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="approvals.policyversion")),
                (
                    "proposal",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="versions", to="approvals.proposal"),
                ),
                (
                    "submitted_by",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
                ),
                ("reason_code", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="approvals.reasoncode")),
            ],
            options={
                "db_table": "approvals_proposal_version",
                "ordering": ["proposal", "n"],
                "constraints": [
                    models.UniqueConstraint(fields=("proposal", "n"), name="approvals_version_is_numbered_once"),
                    models.UniqueConstraint(fields=("id", "proposal", "submitted_by"), name="approvals_version_has_one_submitter"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Decision",
            fields=[
                ("id", models.UUIDField(db_default=ledgerops.lib.sql.UUIDv7(), editable=False, primary_key=True, serialize=False)),
                (
                    "outcome",
                    models.CharField(
                        choices=[("approve", "Approve"), ("request_changes", "Request Changes"), ("reject", "Reject")], max_length=20
                    ),
                ),
                ("comment", models.TextField(blank=True)),
                ("decided_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                (
                    "approver",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="decisions_made", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("maker", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                (
                    "submitted_by",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
                ),
                (
                    "proposal",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="decisions", to="approvals.proposal"),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="decisions", to="approvals.proposalversion"
                    ),
                ),
            ],
            options={
                "db_table": "approvals_decision",
                "ordering": ["id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("approver", models.F("maker")), _negated=True), name="approvals_checker_is_not_maker"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("approver", models.F("submitted_by")), _negated=True), name="approvals_checker_is_not_submitter"
                    ),
                    models.UniqueConstraint(fields=("version", "approver"), name="approvals_one_person_one_vote"),
                    models.CheckConstraint(
                        condition=models.Q(("outcome__in", ["approve", "request_changes", "reject"])),
                        name="approvals_decision_outcome_is_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("outcome", "approve"), models.Q(("comment", ""), _negated=True), _connector="OR"),
                        name="approvals_refusal_says_why",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Execution",
            fields=[
                (
                    "proposal",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="execution",
                        serialize=False,
                        to="approvals.proposal",
                    ),
                ),
                ("executed_at", models.DateTimeField(db_default=ledgerops.lib.sql.ClockTimestamp())),
                (
                    "version",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="approvals.proposalversion"),
                ),
            ],
            options={
                "db_table": "approvals_execution",
            },
        ),
    ]
