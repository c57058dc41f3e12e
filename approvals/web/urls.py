"""Pages of this app. The preferences stand outside its namespace: they are the frame's."""

from django.urls import include, path

from approvals.web import lists, preferences, proposals, switches

approvals_urls = (
    [
        path("approvals/", lists.queue, name="queue"),
        path("approvals/<uuid:proposal_id>/", proposals.proposal, name="proposal"),
        path("approvals/<uuid:proposal_id>/decide/", proposals.decide, name="decide"),
        path("approvals/<uuid:proposal_id>/withdraw/", proposals.withdraw, name="withdraw"),
        path("adjustments/", lists.adjustments, name="adjustments"),
        path("adjustments/<uuid:proposal_id>/edit/", proposals.revise, name="revise"),
    ],
    "approvals",
)

urlpatterns = [
    path("", include(approvals_urls)),
    path("switches/", switches.switches, name="switches"),
    path("switches/set/", switches.set_switch, name="set_switch"),
    path("switches/<uuid:switch_id>/", switches.switch, name="switch"),
    path("switches/<uuid:switch_id>/lift/", switches.lift, name="lift_switch"),
    path("me/", preferences.preferences, name="preferences"),
    path("me/theme/", preferences.theme, name="theme"),
]
