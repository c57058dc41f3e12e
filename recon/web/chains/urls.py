"""Pages of chain sources."""

from django.urls import path

from recon.web.chains import forms, views

urlpatterns = [
    path("", views.chains, name="chains"),
    path("new/", forms.new_chain, name="new_chain"),
    path("<int:source_id>/", views.chain, name="chain"),
    path("<int:source_id>/reading/", forms.change_chain, name="change_chain"),
]
