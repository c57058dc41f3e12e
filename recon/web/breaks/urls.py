"""Pages of breaks."""

from django.urls import path

from recon.web.breaks import case, deadlines, forks, handover, listing, work

urlpatterns = [
    path("", listing.breaks, name="breaks"),
    path("export/", listing.export, name="export_breaks"),
    path("assign/", listing.assign_selected, name="assign_breaks"),
    path("work/", work.work_found, name="work_found"),
    path("work/selected/", work.work_selected, name="work_selected"),
    path("handover/", handover.handover, name="handover"),
    path("handover/seen/", handover.seen, name="handover_seen"),
    path("clusters/", handover.clusters, name="break_clusters"),
    path("deadlines/", deadlines.deadlines, name="deadlines"),
    path("deadlines/routes/", deadlines.routes, name="break_routes"),
    path("deadlines/<str:asset>/", deadlines.propose, name="propose_service_level"),
    path("views/", listing.save_view, name="save_view"),
    path("views/<int:view_id>/delete/", listing.delete_view, name="delete_view"),
    path("<uuid:break_id>/", case.break_page, name="break"),
    path("<uuid:break_id>/assign/", case.assign, name="assign_break"),
    path("<uuid:break_id>/work/", work.work, name="work_break"),
    path("<uuid:break_id>/comment/", case.comment, name="comment_on_break"),
    path("<uuid:break_id>/suggestions/<uuid:suggestion_id>/accept/", case.accept_suggestion, name="accept_suggestion"),
    path("<uuid:break_id>/suggestions/<uuid:suggestion_id>/dismiss/", case.dismiss_suggestion, name="dismiss_suggestion"),
    path("<uuid:break_id>/never-match/", case.never_match, name="never_match"),
    path("<uuid:break_id>/accept-chain/", forks.accept_chain, name="accept_chain"),
    path("<uuid:break_id>/undo/", case.undo_match, name="undo_match"),
    path("<uuid:break_id>/challenges/<int:challenge_id>/seen/", case.see_challenge, name="see_challenge"),
    path("<uuid:break_id>/propose/", case.propose, name="propose_adjustment"),
    path("<uuid:break_id>/revise/", case.revise, name="revise_adjustment"),
]
