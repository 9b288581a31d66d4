"""Integrations share their places under /apis/ with the operator's own API products."""

from django.db import migrations

FORWARD = """
INSERT INTO core_apislug (slug, subject) SELECT slug, id FROM marketplace_integration;
CREATE TRIGGER marketplace_integration_takes_slug AFTER INSERT OR DELETE OR UPDATE OF slug ON marketplace_integration
    FOR EACH ROW EXECUTE FUNCTION core_take_api_slug();
"""
BACKWARD = """
DROP TRIGGER marketplace_integration_takes_slug ON marketplace_integration;
DELETE FROM core_apislug WHERE subject IN (SELECT id FROM marketplace_integration);
"""


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0004_upstream_down"), ("core", "0006_api_slugs")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
