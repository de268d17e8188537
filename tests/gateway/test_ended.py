"""What ends a session closes its sockets, and only those (docs/protocol.md, Closing)."""

import time

import pytest

from accounts.disabling import disable_user
from accounts.models import User
from tests.api import PASSWORD
from tests.client.rest import Rest
from tests.client.socket import Closed, Refused
from tests.gateway.waiting import in_database

AT_ONCE_S = 1.0  # docs/protocol.md: within a second


@pytest.fixture
async def tablet(server, ada):
    """Ada's other session."""
    other = Rest(server.http)
    await other.log_in("ada", PASSWORD)
    yield other
    await other.close()


async def session_of(rest):
    [current] = [each for each in (await rest.call("GET", "auth/sessions/"))["results"] if each["current"]]
    return current["id"]


async def change_password(ada, tablet):
    await ada.call("POST", "auth/password/change/", {"old": PASSWORD, "new": "analytical engine no. 2"})


async def end_all_others(ada, tablet):
    await ada.call("DELETE", "auth/sessions/")


async def end_that_one(ada, tablet):
    await ada.call("DELETE", f"auth/sessions/{await session_of(tablet)}/")


@pytest.mark.parametrize("end", [change_password, end_all_others, end_that_one])
async def test_the_sockets_of_the_other_session_close_and_those_of_this_one_stay(
    end, ada, bob, tablet, room, connect
):
    stays = [await connect(ada), await connect(ada, auth="frame"), await connect(bob)]
    closes = [await connect(tablet), await connect(tablet, room=room)]
    began = time.monotonic()
    await end(ada, tablet)
    for socket in closes:
        ending = await socket.wait_closed()
        assert (ending.code, ending.why) == (4403, "session_ended")
    assert time.monotonic() - began < AT_ONCE_S
    for socket in stays:
        await socket.request("ping")
    with pytest.raises(Exception, match="session_ended"):
        await tablet.call("GET", "users/me/")


async def test_after_a_change_of_password_a_socket_is_renewed_by_the_new_pair(ada, connect):
    socket = await connect(ada)
    answer = await ada.call(
        "POST", "auth/password/change/", {"old": PASSWORD, "new": "analytical engine no. 2"}
    )
    data = await socket.request("auth", token=answer["access"])
    assert data["session"]["id"] == socket.welcome["session"]["id"]


async def test_all_sockets_of_a_disabled_user_close_and_they_come_in_no_more(ada, bob, tablet, connect):
    his = await connect(bob)
    hers = [await connect(ada), await connect(tablet), await connect(ada)]
    began = time.monotonic()
    await in_database(lambda: disable_user(user_id=User.objects.get(username="ada").id))
    for socket in hers:
        ending = await socket.wait_closed()
        assert (ending.code, ending.why) == (4403, "user_disabled")
    assert time.monotonic() - began < AT_ONCE_S
    with pytest.raises(Closed, match="4403 'user_disabled'"):
        await connect(ada)
    with pytest.raises(Refused, match="user_disabled"):
        await his.request("auth", token=ada.access)
    await his.request("ping")
