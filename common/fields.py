"""Columns that are made of others."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    _CharField = models.CharField[str | None, str | None]
else:
    _CharField = models.CharField


class MadeField(_CharField):
    """Holds what `make` makes of its row whenever that is saved or made in bulk; with `update_fields`, if named.

    `QuerySet.update` goes past it.
    """

    def __init__(self, *args: Any, make: Callable[[Any], str] | None = None, **kwargs: Any) -> None:
        self.make = make
        kwargs["editable"] = False
        super().__init__(*args, **kwargs)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """The value as it is stored; the row in memory has it too."""
        if self.make is not None:
            setattr(model_instance, self.attname, self.make(model_instance))
        return super().pre_save(model_instance, add)

    def deconstruct(self) -> Any:
        """To migrations a column like any other: what is made may change, and they do not."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs
