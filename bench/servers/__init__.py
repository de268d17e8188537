"""Every server that can be measured, by the letter it has on the command line."""

from bench.servers.base import Server
from bench.servers.others import Bare, SocketIo, Stock, Tutorial
from bench.servers.parley import Drf, Parley, ParleyOnDaphne, ParleyOnSqlite, ParleyTwoWorkers

SERVERS: dict[str, type[Server]] = {
    "a": Tutorial,
    "b": Stock,
    "c": Parley,
    "d": ParleyOnDaphne,
    "e": Bare,
    "f": SocketIo,
    "g": Drf,
    "c2": ParleyTwoWorkers,
    "cs": ParleyOnSqlite,
}
