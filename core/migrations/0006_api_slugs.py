"""Places under /apis/ in one table, written by triggers of the tables whose rows have one."""

from django.db import migrations, models

FORWARD = """
CREATE FUNCTION core_take_api_slug() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM core_apislug WHERE subject = OLD.id;
        RETURN OLD;
    END IF;
    INSERT INTO core_apislug (slug, subject) VALUES (NEW.slug, NEW.id)
        ON CONFLICT (subject) DO UPDATE SET slug = EXCLUDED.slug;
    RETURN NEW;
END $$;
"""
BACKWARD = "DROP FUNCTION core_take_api_slug();"


class Migration(migrations.Migration):
    dependencies = [("core", "0005_blocks")]
    operations = [
        migrations.CreateModel(
            name="ApiSlug",
            fields=[
                ("slug", models.SlugField(max_length=60, primary_key=True, serialize=False)),
                ("subject", models.UUIDField(unique=True)),
            ],
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
