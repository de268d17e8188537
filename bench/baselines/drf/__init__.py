"""(g) History as stock Django REST framework has it: ModelSerializer and CursorPagination, on Parley's own server."""
