from django.db import migrations

from ledgerops.lib.sql import sql_file


class Migration(migrations.Migration):
    dependencies = [("runtime", "0001_initial"), ("audit", "0002_guards")]

    operations = [sql_file("ledgerops/runtime", "guards_v1")]
