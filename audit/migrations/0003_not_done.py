from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_guards")]

    operations = [
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(
                condition=models.Q(("outcome__in", ["refused", "failed"])), fields=["outcome", "id"], name="audit_event_not_done"
            ),
        ),
    ]
