from django.db import migrations, models

from common.migrations import AddIndexWhileServing, RemoveIndexWhileServing


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("accounts", "0003_username_look_search_text")]

    operations = [
        AddIndexWhileServing(
            model_name="session",
            index=models.Index(
                condition=models.Q(("ended_at", None)), fields=["user", "id"], name="session_mine"
            ),
        ),
        RemoveIndexWhileServing(model_name="session", name="session_standing"),
        AddIndexWhileServing(
            model_name="user",
            index=models.Index(
                condition=models.Q(("deleted_at", None), ("is_active", True)),
                fields=["search_text", "id"],
                name="user_search",
            ),
        ),
    ]
