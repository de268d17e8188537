"""What a scenario asks for, and what it gets."""

import msgspec


class Crowd(msgspec.Struct, frozen=True):
    """`rooms`: the members of each, as indexes of `people`. `fill`: messages that are in each room before.

    `passwords`: that many people, the first, can log in with `PASSWORD`.
    """

    people: int
    rooms: list[list[int]]
    fill: int = 0
    passwords: int = 0


class Populated(msgspec.Struct, frozen=True):
    """Ids and tokens, in the order of the crowd's."""

    tokens: list[str]
    rooms: list[str]
    heads: list[int] = []
    names: list[str] = []


PASSWORD = "analytical engine"
