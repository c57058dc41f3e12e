"""Pages of what becomes of a break."""

from django.urls import path

from recon.web.resolutions import corrections, matching, treatments

urlpatterns = [
    path("<uuid:break_id>/match/", matching.match, name="match_break"),
    path("<uuid:break_id>/write-off/", corrections.write_off, name="write_off"),
    path("<uuid:break_id>/rebook/", corrections.rebook, name="rebook"),
    path("<uuid:break_id>/treat/", treatments.treat, name="treat_break"),
    path("<uuid:break_id>/treat/end/", treatments.end, name="end_treatment"),
]
