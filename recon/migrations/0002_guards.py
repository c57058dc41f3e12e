from django.db import migrations

from ledgerops.lib.sql import sql_file


class Migration(migrations.Migration):
    dependencies = [("recon", "0001_initial"), ("ledger", "0002_guards")]

    operations = [
        sql_file("recon", "guards_v1"),
        sql_file("recon", "sources_v1"),
        sql_file("recon", "intake_v1"),
        sql_file("recon", "chain_v1"),
        sql_file("recon", "rules_v1"),
        sql_file("recon", "resolutions_v1"),
        sql_file("recon", "certification_v1"),
        sql_file("recon", "proofs_v1"),
    ]
