"""Pages of breaks."""

from django.urls import path

from recon.web.breaks import case, forks, listing

urlpatterns = [
    path("", listing.breaks, name="breaks"),
    path("export/", listing.export, name="export_breaks"),
    path("assign/", listing.assign_selected, name="assign_breaks"),
    path("views/", listing.save_view, name="save_view"),
    path("views/<int:view_id>/delete/", listing.delete_view, name="delete_view"),
    path("<uuid:break_id>/", case.break_page, name="break"),
    path("<uuid:break_id>/assign/", case.assign, name="assign_break"),
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
