"""Pages of statements and files."""

from django.urls import path

from recon.web.statements import files, views

urlpatterns = [
    path("", views.statements, name="statements"),
    path("files/", views.files, name="files"),
    path("upload/", files.upload, name="upload"),
    path("files/<uuid:file_id>/", files.file, name="file"),
    path("files/<uuid:file_id>/accept/", files.accept, name="accept_file"),
    path("files/<uuid:file_id>/register/", files.register, name="register_source"),
    path("files/<uuid:file_id>/bytes/", files.content, name="file_bytes"),
    path("<uuid:statement_id>/", views.statement, name="statement"),
]
