from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("approvals", "0002_guards")]

    operations = [
        migrations.AlterModelOptions(name="user", options={"permissions": [("read_records", "Can read every record as it stands")]}),
    ]
