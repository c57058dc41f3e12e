from django.db import migrations

from ledgerops.lib.sql import sql_file


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [
        sql_file("audit", "append_only_v1"),
        sql_file("audit", "record_event_v1"),
    ]
