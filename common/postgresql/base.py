"""See `DatabaseWrapper`; Django finds it by ENGINE `common.postgresql`."""

from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):
    """Never hands out a dead connection, and finds out about all dead ones with the first.

    psycopg_pool's own check (Django's CONN_HEALTH_CHECKS) waits 1 s, 2 s, 4 s … after each dead
    connection it meets (https://github.com/psycopg/psycopg, `_getconn_with_check_loop`, 3.3.3): after a
    fail-over a pool of 12 would keep a request waiting until it times out. So that stays off.
    """

    def get_new_connection(self, conn_params: dict[str, Any]) -> psycopg.Connection[Any]:
        """A connection that answers; of the pool where there is one."""
        connection: psycopg.Connection[Any] = super().get_new_connection(conn_params)
        pool = self.pool
        if pool is None:
            return connection
        try:
            ConnectionPool.check_connection(connection)
        except psycopg.Error:
            pool.putconn(connection)  # which replaces it…
            pool.drain()  # …and the others, which died with it
            connection = super().get_new_connection(conn_params)
        return connection
