"""The console shows help as HTML, so that `<slug>` in it was read as a tag. Changes no table."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0001_initial")]

    operations = [
        migrations.AlterField(
            model_name="integration",
            name="slug",
            field=models.SlugField(
                help_text="As in its address, /apis/weather/.",
                max_length=60,
                unique=True,
                validators=[
                    django.core.validators.RegexValidator(
                        "^[a-z0-9]+(-[a-z0-9]+)*\\Z", "Lower-case letters, digits and single hyphens."
                    )
                ],
                verbose_name="slug",
            ),
        ),
    ]
