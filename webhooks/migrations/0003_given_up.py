from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0002_console_lists")]

    operations = [
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("status", "failed")), fields=["partner", "environment", "-id"], name="delivery_given_up"
            ),
        ),
    ]
