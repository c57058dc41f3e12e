"""Pages of proofs."""

from django.urls import path

from recon.web.proofs import views

urlpatterns = [
    path("", views.proofs, name="proofs"),
    path("results/<uuid:result_id>/", views.result, name="proof_result"),
    path("results/<uuid:result_id>/certify/", views.certify, name="certify_proof"),
    path("results/<uuid:result_id>/download/", views.download, name="download_proof"),
    path("<str:code>/", views.proof, name="proof"),
    path("<str:code>/prove/", views.prove, name="prove"),
]
