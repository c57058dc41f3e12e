"""Pages of accounts at the end of a day, and of their certificates."""

from django.urls import path

from recon.web.days import certificates, views

urlpatterns = [
    path("accounts/<str:code>/proof/", views.day, name="account_day"),
    path("accounts/<str:code>/proof/export/", views.export_day, name="export_account_day"),
    path("accounts/<str:code>/proof/prepare/", certificates.prepare, name="prepare_certificate"),
    path("accounts/<str:code>/proof/terms/", certificates.set_terms, name="set_certification_terms"),
    path("certifications/", certificates.certifications, name="certifications"),
    path("certifications/<uuid:certificate_id>/", certificates.certificate, name="certificate"),
    path("certifications/<uuid:certificate_id>/pack.<str:form>", certificates.pack, name="certificate_pack"),
    path("certifications/<uuid:certificate_id>/withdraw/", certificates.propose_withdrawal, name="propose_withdrawal"),
]
