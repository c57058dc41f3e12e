"""Pages of sources."""

from django.urls import path

from recon.web.sources import feeds, mappings, onboarding, views

urlpatterns = [
    path("", views.sources, name="sources"),
    path("new/", onboarding.new_source, name="new_source"),
    path("<str:code>/", views.source, name="source"),
    path("<str:code>/format/", views.choose_format, name="choose_format"),
    path("<str:code>/mapping/", mappings.editor, name="mapping_editor"),
    path("<str:code>/sample/", mappings.sample, name="mapping_sample"),
    path("<str:code>/mappings/<int:number>/", mappings.mapping, name="mapping"),
    path("<str:code>/mappings/<int:number>/submit/", mappings.submit, name="submit_mapping"),
    path("<str:code>/feed/", feeds.feed, name="feed"),
    path("<str:code>/feed/waive/", feeds.waive, name="waive_day"),
]
