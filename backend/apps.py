"""The admin as an app: installed always, loaded where it is on."""

from django.apps.registry import apps
from django.conf import settings
from django.contrib.admin.apps import SimpleAdminConfig


class OperatorConfig(SimpleAdminConfig):
    """Its pages are each app's `admin.py`, on backend.operators.OperatorSite."""

    default_site = "backend.operators.OperatorSite"

    def ready(self) -> None:
        super().ready()
        if settings.ADMIN_ENABLED:
            self.load()

    def load(self) -> None:
        """Each app's `admin.py` is on the site; Django's groups, which could be edited there, are not."""
        assert self.module is not None
        self.module.autodiscover()
        self.module.site.unregister(apps.get_model("auth", "Group"))
