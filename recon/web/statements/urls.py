"""Pages of statements and files."""

from django.urls import path

from recon.web.statements import files, quarantine, views

urlpatterns = [
    path("", views.statements, name="statements"),
    path("files/", views.files, name="files"),
    path("upload/", files.upload, name="upload"),
    path("files/<uuid:file_id>/", files.file, name="file"),
    path("files/<uuid:file_id>/accept/", files.accept, name="accept_file"),
    path("files/<uuid:file_id>/register/", files.register, name="register_source"),
    path("files/<uuid:file_id>/bytes/", files.content, name="file_bytes"),
    path("files/<uuid:file_id>/source/", files.choose_source, name="choose_source"),
    path("files/<uuid:file_id>/read-again/", quarantine.read_again, name="read_file_again"),
    path("files/<uuid:file_id>/raw/", files.raw, name="file_raw"),
    path("quarantine/", quarantine.quarantine, name="quarantine"),
    path("quarantine/<int:row_id>/", quarantine.row, name="quarantined_row"),
    path("quarantine/<int:row_id>/dismiss/", quarantine.dismiss, name="dismiss_row"),
    path("<uuid:statement_id>/lines/<int:ordinal>/count/", quarantine.count_line, name="count_line"),
    path("<uuid:statement_id>/", views.statement, name="statement"),
]
