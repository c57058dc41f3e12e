"""Pages of rules."""

from django.urls import path

from recon.web.rules import views

urlpatterns = [
    path("", views.rules, name="rules"),
    path("new-from/<uuid:break_id>/", views.new_from_break, name="rule_from_break"),
    path("versions/<uuid:rules_id>/", views.version_by_id, name="rules_version_of"),
    path("<int:reconciliation_id>/", views.rules_of, name="rules_of"),
    path("<int:reconciliation_id>/edit/", views.editor, name="rules_editor"),
    path("<int:reconciliation_id>/trials/<uuid:trial_id>/", views.trial, name="rules_trial"),
    path("<int:reconciliation_id>/versions/<int:number>/", views.version, name="rules_version"),
    path("<int:reconciliation_id>/versions/<int:number>/submit/", views.submit, name="submit_rules"),
]
