"""`metadata` as text: jsonb changes numbers and the order of names, and an application is given back what it sent.

PostgreSQL writes the table anew for it, under a lock. No release has had a message with metadata.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0002_edits_mentions"),
    ]

    operations = [
        migrations.AlterField(
            model_name="message",
            name="metadata",
            field=models.TextField(default="{}"),
        ),
    ]
