"""The admin's pages of our tables: for looking. What is done to a row there, a service of ours does."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from common.errors import ParleyError

ROWS_MAX = 10_000
"""How far a list can be paged, and is counted: counting all of a great table takes seconds."""

_FILTERED_BY = ("exact", "isnull", "isempty")  # what Django's filters of these kinds ask

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
    _Paginator = Paginator[Any]
else:
    _ModelAdmin = admin.ModelAdmin
    _Paginator = Paginator


class BoundedPaginator(_Paginator):
    """Counts up to ROWS_MAX, and has no page after that."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows[:ROWS_MAX].count())


class ReadOnlyAdmin(_ModelAdmin):
    """Nothing is added, changed or deleted by hand.

    `search_ids` are the fields that an id is looked for in; with `search_fields` the same, nothing else is looked for.
    """

    search_ids: ClassVar[tuple[str, ...]] = ("pk",)
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    paginator = BoundedPaginator

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Who may carry out the actions: superusers, and staff with Django's permission to change this model."""
        return bool(request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}"))

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """What an address may narrow a list by: the filters beside it, and nothing else.

        Django's own would take any column: who may look could ask for a password's hash a letter at a time.
        """
        field, _, how = lookup.partition("__")
        filtered = {each[0] if isinstance(each, tuple) else each for each in self.list_filter}
        return how in _FILTERED_BY and field in filtered

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """All that are shown."""
        return self.fields

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By an id where that is what was typed, else by `search_fields`."""
        try:
            key = UUID(search_term.strip())
        except ValueError:
            if search_term.strip() and self.search_fields == self.search_ids:
                return queryset.none(), False
            return super().get_search_results(request, queryset, search_term)
        found = Q()
        for field in self.search_ids:
            found |= Q(**{field: key})
        return queryset.filter(found), False

    def each(
        self, request: HttpRequest, rows: QuerySet[Any], act: Callable[[Any], object], done: str
    ) -> None:
        """Do it to each row, by a service; say how many it was done to, and why not to the others.

        What a service answers with False was so already. Each that was done is in the admin's own history.
        """
        count = 0
        for row in rows:
            try:
                if act(row) is not False:
                    count += 1
                    self.log_change(request, row, done)
            except ParleyError as error:
                self.message_user(request, f"{row}: {error.detail}", messages.ERROR)
        self.message_user(request, f"{done}: {count}", messages.SUCCESS if count else messages.WARNING)
