from django.db import migrations

from ledgerops.lib.sql import sql_file


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial"), ("approvals", "0002_guards"), ("runtime", "0001_initial")]

    operations = [
        sql_file("ledger", "guards_v1"),
        sql_file("ledger", "accounts_v1"),
        sql_file("ledger", "posting_refusals_v1"),
        sql_file("ledger", "plain_v1"),
        sql_file("ledger", "post_plain_v1"),
        sql_file("ledger", "post_each_v1"),
        sql_file("ledger", "post_entries_v1"),
        sql_file("ledger", "registry_v1"),
    ]
