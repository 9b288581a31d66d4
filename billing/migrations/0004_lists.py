"""What operators' lists of invoices and the run of payouts look for."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0003_first_prices")]

    operations = [
        migrations.AddIndex(
            "earning", models.Index(fields=["partner"], condition=models.Q(status="available"), name="earning_payable")
        ),
        migrations.AddIndex("invoice", models.Index(fields=["status", "-id"], name="invoice_by_status")),
    ]
