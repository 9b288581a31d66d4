"""The ledger's rules, in the database itself.

A transaction's entries are as many as it says, at least two, and sum to zero in each currency, checked at commit; a later
addition breaks the count. Accounts, transactions and entries are never updated or deleted.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION billing_ledger_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    checked uuid;
    expected integer;
    counted integer;
    crooked text;
BEGIN
    IF TG_TABLE_NAME = 'billing_entry' THEN checked := NEW.transaction_id; ELSE checked := NEW.id; END IF;
    SELECT entry_count INTO expected FROM billing_transaction WHERE id = checked;
    SELECT count(*) INTO counted FROM billing_entry WHERE transaction_id = checked;
    IF counted IS DISTINCT FROM expected OR counted < 2 THEN
        RAISE EXCEPTION 'ledger transaction % has % entries, not %', checked, counted, expected USING ERRCODE = 'check_violation';
    END IF;
    SELECT a.currency INTO crooked FROM billing_entry e JOIN billing_account a ON a.id = e.account_id
        WHERE e.transaction_id = checked GROUP BY a.currency HAVING sum(e.amount_minor) <> 0 LIMIT 1;
    IF crooked IS NOT NULL THEN
        RAISE EXCEPTION 'ledger transaction % does not sum to zero in %', checked, crooked USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER billing_entry_balances AFTER INSERT ON billing_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_ledger_balances();
CREATE CONSTRAINT TRIGGER billing_transaction_balances AFTER INSERT ON billing_transaction
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_ledger_balances();

CREATE FUNCTION billing_ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: correct it by a further transaction' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER billing_entry_append_only BEFORE UPDATE OR DELETE ON billing_entry
    FOR EACH ROW EXECUTE FUNCTION billing_ledger_append_only();
CREATE TRIGGER billing_transaction_append_only BEFORE UPDATE OR DELETE ON billing_transaction
    FOR EACH ROW EXECUTE FUNCTION billing_ledger_append_only();
CREATE TRIGGER billing_account_append_only BEFORE UPDATE OR DELETE ON billing_account
    FOR EACH ROW EXECUTE FUNCTION billing_ledger_append_only();
"""
BACKWARD = """
DROP TRIGGER billing_account_append_only ON billing_account;
DROP TRIGGER billing_transaction_append_only ON billing_transaction;
DROP TRIGGER billing_entry_append_only ON billing_entry;
DROP FUNCTION billing_ledger_append_only();
DROP TRIGGER billing_transaction_balances ON billing_transaction;
DROP TRIGGER billing_entry_balances ON billing_entry;
DROP FUNCTION billing_ledger_balances();
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
