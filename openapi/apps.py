from importlib import import_module

from django.apps import AppConfig


class OpenapiConfig(AppConfig):
    name = "openapi"

    def ready(self) -> None:
        """drf-spectacular and Django's checks find what is theirs once it was imported."""
        import_module("openapi.security")
        import_module("openapi.checks")
