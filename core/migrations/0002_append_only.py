"""The event log is append-only in the database itself: rows are sealed once and never deleted."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION core_event_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'the event log is append-only: rows are never deleted';
    END IF;
    IF OLD.number IS NOT NULL OR NEW.number IS NULL
        OR (to_jsonb(NEW) - ARRAY['number', 'previous_hash', 'hash']) IS DISTINCT FROM (to_jsonb(OLD) - ARRAY['number', 'previous_hash', 'hash'])
    THEN
        RAISE EXCEPTION 'the event log is append-only: a row is sealed once and never changed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER core_event_append_only BEFORE UPDATE OR DELETE ON core_event
    FOR EACH ROW EXECUTE FUNCTION core_event_append_only();
"""
BACKWARD = "DROP TRIGGER core_event_append_only ON core_event; DROP FUNCTION core_event_append_only();"


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
