"""Pages of accounts at the end of a day."""

from django.urls import path

from recon.web.days import views

urlpatterns = [
    path("accounts/<str:code>/proof/", views.day, name="account_day"),
    path("accounts/<str:code>/proof/export/", views.export_day, name="export_account_day"),
]
