"""Pages of what becomes of a break."""

from django.urls import path

from recon.web.resolutions import corrections, evidence, letters, matching, mentions, terms, treatments

urlpatterns = [
    path("<uuid:break_id>/match/", matching.match, name="match_break"),
    path("<uuid:break_id>/write-off/", corrections.write_off, name="write_off"),
    path("<uuid:break_id>/rebook/", corrections.rebook, name="rebook"),
    path("<uuid:break_id>/treat/", treatments.treat, name="treat_break"),
    path("<uuid:break_id>/treat/end/", treatments.end, name="end_treatment"),
    path("<uuid:break_id>/message/", letters.message, name="draft_message"),
    path("<uuid:break_id>/evidence/attach/", evidence.attach, name="attach_evidence"),
    path("evidence/<uuid:evidence_id>/", evidence.download, name="evidence_file"),
    path("mentions/", mentions.mentions, name="mentions"),
    path("mentions/<int:mention_id>/seen/", mentions.see, name="see_mention"),
    path("terms/", terms.terms_list, name="terms"),
    path("terms/<str:entity>/<str:asset>/", terms.change_terms, name="change_terms"),
]
