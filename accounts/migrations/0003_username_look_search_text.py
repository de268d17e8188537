from typing import Any

from django.db import migrations, models

from common.text import fold, username_look

BATCH = 1_000


def fill(apps: Any, schema_editor: Any) -> None:
    """Make both for the people there are. Of those who look alike the first to register has the look."""
    User = apps.get_model("accounts", "User")
    taken = set()
    rows = User.objects.only("id", "username", "display_name").order_by("id")
    batch = []
    for user in rows.iterator(BATCH):
        look = username_look(user.username)
        user.username_look = None if look in taken else look
        taken.add(look)
        user.search_text = f"{fold(user.username)} {fold(user.display_name)[:200]}"
        batch.append(user)
        if len(batch) == BATCH:
            User.objects.bulk_update(batch, ["username_look", "search_text"])
            batch = []
    User.objects.bulk_update(batch, ["username_look", "search_text"])


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_bots_tokens_blocks")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="search_text",
            field=models.CharField(db_default="", editable=False, max_length=400),
        ),
        migrations.AddField(
            model_name="user",
            name="username_look",
            field=models.CharField(editable=False, max_length=256, null=True, unique=True),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
    ]
