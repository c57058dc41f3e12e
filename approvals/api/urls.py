"""Routes of proposals under /api/v1/; a new version has its route where the kind's content is known."""

from django.urls import path

from approvals.api import views

urlpatterns = [
    path("proposals", views.Proposals.as_view()),
    path("proposals/<uuid:proposal_id>", views.ProposalDetail.as_view()),
    path("proposals/<uuid:proposal_id>/decisions", views.Decisions.as_view()),
    path("proposals/<uuid:proposal_id>/withdraw", views.Withdrawal.as_view()),
    path("switches", views.Switches.as_view()),
    path("switches/<uuid:switch_id>/lift", views.SwitchLifting.as_view()),
    path("reason-codes", views.Reasons.as_view()),
]
