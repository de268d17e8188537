"""People of every role."""

import pytest

from rooms.models import Role
from tests.api import register


@pytest.fixture
def people(db):
    """Two of each role in one room, and a stranger; `people["room"]` is the room's id."""
    found = {f"{role}{n}": register(f"{role}{n}x") for role in Role.values for n in (1, 2)}
    founder = found["owner1"]
    room = founder.room(found["member1"], found["member2"])
    founder.add(room, found["admin1"], found["admin2"], role="admin")
    founder.add(room, found["owner2"], role="owner")
    return found | {"room": room, "stranger": register("stranger")}
