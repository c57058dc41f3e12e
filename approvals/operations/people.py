"""People, roles and what they see; policies and reason codes. Each may be repeated without effect."""

from collections.abc import Sequence

from django.contrib.auth.models import Group, Permission
from django.db import models
from guardian.shortcuts import assign_perm, get_objects_for_group

from approvals.models import PolicyVersion, ReasonCode, User
from audit.operations import act, record_event
from ledgerops.lib.errors import Refusal, RefusalKind


class UnknownPermission(Refusal):
    code = "unknown_permission"
    kind = RefusalKind.INVALID


def define_role(*, name: str, permissions: Sequence[str]) -> Group:
    """Make the role hold exactly these permissions, each as `<app>.<codename>`.

    :raises UnknownPermission: naming one that does not exist.
    """
    with act("approvals.role.granted", target_type="approvals.role", target_id=name):
        role, _ = Group.objects.get_or_create(name=name)
        wanted = []
        for label in permissions:
            app, _, codename = label.partition(".")
            permission = Permission.objects.filter(content_type__app_label=app, codename=codename).first()
            if permission is None:
                raise UnknownPermission(f"there is no permission {label}", field="permissions")
            wanted.append(permission)
        before = set(role.permissions.values_list("pk", flat=True))
        if before != {permission.pk for permission in wanted}:
            role.permissions.set(wanted)
            record_event("approvals.role.granted", target_type="approvals.role", target_id=name, after={"permissions": sorted(permissions)})
        return role


def add_user(*, username: str, full_name: str, role: str, password: str) -> User:
    """Add a person with one role; an existing person is returned as they are."""
    with act("approvals.role.granted", target_type="approvals.user", target_id=username):
        user = User.objects.filter(username=username).first()
        if user is not None:
            return user
        first_name, _, last_name = full_name.partition(" ")
        user = User.objects.create_user(username=username, password=password, first_name=first_name, last_name=last_name)
        user.groups.add(Group.objects.get(name=role))
        record_event("approvals.role.granted", target_type="approvals.user", target_id=username, after={"roles": [role]})
        return user


def grant_sight(*, role: str, scope_object: models.Model) -> None:
    """Give a role sight of an entity, an account group or a source."""
    label = scope_object._meta.label_lower
    permission = f"view_{scope_object._meta.model_name}"
    with act("approvals.scope.granted", target_type=label, target_id=scope_object.pk):
        group = Group.objects.get(name=role)
        if scope_object.pk in get_objects_for_group(group, permission, type(scope_object)).values_list("pk", flat=True):
            return
        assign_perm(permission, group, scope_object)
        record_event("approvals.scope.granted", target_type=label, target_id=scope_object.pk, after={"role": role})


def define_policy(*, kind: str, required_approvals: int, expires_after_hours: int) -> PolicyVersion:
    """Make this the policy of a kind; other terms than the current ones become its next version."""
    with act("approvals.policy.defined", target_type="approvals.policy", target_id=kind):
        current = PolicyVersion.objects.filter(kind=kind).order_by("-n").first()
        if current and (current.required_approvals, current.expires_after_hours) == (required_approvals, expires_after_hours):
            return current
        policy = PolicyVersion.objects.create(
            kind=kind, n=current.n + 1 if current else 1, required_approvals=required_approvals, expires_after_hours=expires_after_hours
        )
        record_event(
            "approvals.policy.defined",
            target_type="approvals.policy",
            target_id=kind,
            after={"n": policy.n, "required_approvals": required_approvals, "expires_after_hours": expires_after_hours},
        )
        return policy


def define_reason_code(*, code: str, label: str, kind: str, usual_account: str = "") -> ReasonCode:
    """Put a reason on the governed list."""
    with act("approvals.reason_code.defined", target_type="approvals.reason_code", target_id=code):
        reason, created = ReasonCode.objects.get_or_create(
            code=code, defaults={"label": label, "kind": kind, "usual_account": usual_account}
        )
        if created:
            record_event(
                "approvals.reason_code.defined",
                target_type="approvals.reason_code",
                target_id=code,
                after={"label": label, "kind": kind, "usual_account": usual_account},
            )
        return reason
