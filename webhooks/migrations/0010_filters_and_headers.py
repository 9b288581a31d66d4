from django.db import migrations, models

import core.crypto


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0009_replays"),
    ]

    operations = [
        migrations.AddField(
            model_name="endpoint",
            name="filter",
            field=models.JSONField(
                blank=True, db_default=models.Value({}, models.JSONField()), default=dict, verbose_name="filter"
            ),
        ),
        migrations.AddField(
            model_name="endpoint",
            name="headers",
            field=core.crypto.EncryptedField(
                editable=False, help_text="Names and values, as `webhooks.own_headers` has them.", null=True
            ),
        ),
    ]
