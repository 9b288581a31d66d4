from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0006_api_slugs")]
    operations = [
        migrations.AddField(
            model_name="event",
            name="type_version",
            field=models.PositiveSmallIntegerField(
                db_default=1, default=1, editable=False, help_text="Version of the type's schema that the data fits."
            ),
        ),
    ]
