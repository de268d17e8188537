"""Each example against `dev.py run`: every client ends with the same state, whatever happened on the way."""

import asyncio
import subprocess
import sys
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devtools.processes import ROOT
from examples import live_feed, notifications, shared_editor
from examples.client import Parley
from examples.noughts_and_crosses import Player
from examples.shared_editor import Op, transform

PASSWORD = "correct horse battery"
WAIT_S = 60


@st.composite
def edits(draw, document):
    """A few operations one after the other on `document`."""
    ops = []
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(document)))
        cut = draw(st.integers(0, min(3, len(document) - at)))
        op = Op(at, cut=cut) if cut else Op(at, draw(st.sampled_from(["a", "bc", "def"])))
        document = op.apply(document)
        ops.append(op)
    return ops


def applied(document, ops):
    for op in ops:
        document = op.apply(document)
    return document


@given(st.data(), st.text("xyz", max_size=8))
def test_two_who_typed_at_once_come_to_one_text(data, document):
    later, earlier = data.draw(edits(document)), data.draw(edits(document))
    mine, theirs = transform(later, earlier)
    assert applied(applied(document, earlier), mine) == applied(applied(document, later), theirs)


async def test_two_editors_show_one_text_after_lost_lines(dev_run):
    async with asyncio.timeout(WAIT_S):
        ada, bob = await shared_editor.play(dev_run.url)
    assert ada.text == ada.shown == bob.shown == bob.text
    assert len(ada.text) > 40
    assert len(ada.cursors) == len(bob.cursors) == 1  # of forty hints each, some came


async def test_two_hundred_viewers_show_the_prices_of_the_feed(dev_run):
    async with asyncio.timeout(WAIT_S):
        end, viewers = await live_feed.play(dev_run.url, viewers=200, seconds=2)
    assert len(viewers) == 200
    assert all((viewer.number, viewer.prices) == (end.number, end.prices) for viewer in viewers)
    assert min(viewer.signals for viewer in viewers) > 50  # live, not from the snapshots alone


async def test_two_devices_list_what_the_server_says(dev_run):
    async with asyncio.timeout(WAIT_S):
        phone, laptop, told = await notifications.play(dev_run.url)
    for device in (phone, laptop):
        assert device.counts() == told
    assert sum(mentions for _, mentions in told.values()) >= 2
    assert phone.rung


def bob_plays(url, name, room):
    """His program, in a process of its own."""
    command = [sys.executable, "-m", "examples.noughts_and_crosses", url, f"bob-{name}", PASSWORD, room]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


async def answered(player):
    """It is the player's turn (again), or the game is over."""
    me = player.client.user["id"]
    while player.board.turn != me and not player.board.over:
        player.moved.clear()
        await player.moved.wait()


async def test_a_game_goes_on_after_kill_9_of_a_player_and_of_the_server(dev_run):
    name = uuid.uuid4().hex[:8]
    async with asyncio.timeout(WAIT_S):
        ada = await Parley.log_in(dev_run.url, f"ada-{name}", PASSWORD, register=True)
        bob = await Parley.log_in(dev_run.url, f"bob-{name}", PASSWORD, register=True)
        made = {"kind": "private", "name": "Game", "members": [bob.user["id"]]}
        room = (await ada.rest("POST", "rooms/", made))["id"]
        player = Player(ada, room)
        await ada.start()
        await player.sit()
        program = bob_plays(dev_run.url, name, room)
        await answered(player)
        await player.move(8)
        await answered(player)  # bob's program has made its first move
        program.kill()
        program.wait()
        await player.move(7)
        dev_run.kill()
        dev_run.start()
        program = bob_plays(dev_run.url, name, room)
        while not player.board.over:
            await answered(player)
            if not player.board.over:
                await player.move(player.board.places.rindex("."))
        shown = (await asyncio.to_thread(program.communicate))[0]
        again = Player(bob, room)  # a third one, from the log alone
        await bob.start()
        while not again.board.over:
            again.moved.clear()
            await again.moved.wait()
        await ada.stop()
        await bob.stop()
    assert again.board == player.board
    assert shown.strip() == str(player.board)
    assert player.board.places.count("X") >= 3


async def test_an_error_that_closed_nothing_does_not_keep_the_client_from_coming_back(dev_run):
    async with asyncio.timeout(WAIT_S):
        ada = await Parley.log_in(dev_run.url, f"ada-{uuid.uuid4().hex[:8]}", PASSWORD, register=True)
        room = (await ada.rest("POST", "rooms/", {"kind": "private", "name": "Lift"}))["id"]
        ready, told = asyncio.Event(), []
        ada.on_ready, ada.on_event = ready.set, lambda event: told.append(event["seq"])
        await ada.start()
        await ada.hint("typing", room=str(uuid.uuid4()), active=True)  # not_found, without an id
        await ada.ask("typing", room=room, active=True)  # its error has come before this answer
        ready.clear()
        ada.cut()
        await ready.wait()
        sent = await ada.send(room, "Here again.")
        await ada.reach(room, sent["seq"])
        await ada.stop()
    assert told == [sent["seq"]]


@pytest.mark.slow
@pytest.mark.parametrize("example", ["shared_editor", "noughts_and_crosses", "live_feed", "notifications"])
def test_each_runs_as_its_first_lines_say(dev_run, example):
    command = [sys.executable, "-m", f"examples.{example}", dev_run.url]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=WAIT_S)
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    assert "differ" not in run.stdout
    assert "False" not in run.stdout
    assert len(run.stdout) > 20


def test_the_demo_tells_its_story_to_the_end(dev_run):
    run = subprocess.run(
        [sys.executable, "-c", f"import asyncio, examples.demo as d; asyncio.run(d.demo({dev_run.url!r}, pause_s=0.05))"],
        cwd=ROOT, capture_output=True, text=True, timeout=WAIT_S,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stderr == ""
    for words in ("is typing", "[ping! I am mentioned]", "[no line]", "now reads: The cards are", "is out: removed",
                  "[reading: not_found]", "hold the same"):  # fmt: skip
        assert words in run.stdout


def test_the_demo_says_what_to_do_where_nothing_answers():
    run = subprocess.run(
        [sys.executable, "dev.py", "demo", "http://127.0.0.1:9"],
        cwd=ROOT, capture_output=True, text=True, timeout=WAIT_S,
    )  # fmt: skip
    assert run.returncode == 1
    assert "python3 dev.py run" in run.stderr


class LateAnswers:
    """In the place of a client: what it asks is answered when the test says so."""

    def __init__(self):
        self.answers, self.positions, self.spawned = {}, {}, []

    async def rest(self, method, path):
        path = path.partition("?")[0]
        self.answers[path] = asyncio.get_running_loop().create_future()
        return await self.answers[path]

    def spawn(self, work):
        self.spawned.append(asyncio.create_task(work))


def room(unread, last_seq=7):
    me = {"unread_count": unread, "mention_count": 0}
    return {"id": "r", "name": "Room", "last_seq": last_seq, "me": me}


async def test_what_came_before_the_room_was_in_the_list_is_in_its_counts():
    """The answer is of before the message, and comes after it."""
    client = LateAnswers()
    device = notifications.Notifications(client)
    everything = asyncio.create_task(device.load())
    await asyncio.sleep(0)
    message = {"author": {"id": "bob"}, "mentions": []}
    client.on_event({"type": "message.created", "room": "r", "seq": 8, "data": {"message": message}})
    client.positions["r"] = 8
    client.answers["rooms/"].set_result({"results": [room(3)], "next_cursor": None})
    await everything
    await asyncio.sleep(0)
    client.answers["rooms/r/"].set_result(room(4, 8))
    await asyncio.gather(*client.spawned)
    assert device.counts() == {"r": (4, 0)}


async def test_an_answer_that_comes_late_does_not_undo_a_later_question():
    """The list was asked for before a room was read on another device, and is answered after the room itself was."""
    client = LateAnswers()
    device = notifications.Notifications(client)
    everything = asyncio.create_task(device.load())
    await asyncio.sleep(0)
    one = asyncio.create_task(device.load_one("r"))
    await asyncio.sleep(0)
    client.answers["rooms/r/"].set_result(room(0))
    await one
    client.answers["rooms/"].set_result({"results": [room(3)], "next_cursor": None})
    await everything
    assert device.counts() == {"r": (0, 0)}
