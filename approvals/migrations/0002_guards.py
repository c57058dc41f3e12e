from django.db import migrations

from ledgerops.lib.sql import sql_file


class Migration(migrations.Migration):
    dependencies = [("approvals", "0001_initial"), ("audit", "0002_guards")]

    operations = [
        sql_file("approvals", "guards_v1"),
    ]
