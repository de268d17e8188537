"""A game of two whose state is its room's log: kill a player's program, or the server, and play on.

A move is a message with `metadata`. Nobody keeps a state of their own: the board is what the moves in the log
make, in the order of `seq`, and a move that is not allowed there is none, for everybody alike. A player that
comes back after a kill -9 reads the log from 1, and their `client_id`s make sure that no move is made twice.
`python -m examples.noughts_and_crosses [URL]` plays a whole game; with URL NAME PASSWORD ROOM it is one player.
"""

import asyncio
import uuid
from typing import NamedTuple

from examples.client import Json, Parley
from examples.running import run

LINES = ((0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6))


class Board(NamedTuple):
    """Nine places, and the ids of the two players: the first begins."""

    players: tuple[str, ...] = ()
    places: str = "........."

    @property
    def winner(self) -> str | None:
        """The id of who has three in a row."""
        for a, b, c in LINES:
            if self.places[a] != "." and self.places[a] == self.places[b] == self.places[c]:
                return self.players["XO".index(self.places[a])]
        return None

    @property
    def over(self) -> bool:
        """Whether nobody may move any more."""
        return self.winner is not None or "." not in self.places

    @property
    def turn(self) -> str | None:
        """The id of whose move it is."""
        moves = 9 - self.places.count(".")
        return None if self.over or len(self.players) < 2 else self.players[moves % 2]

    def after(self, author: str, move: Json) -> "Board":
        """The board after a message of the log; what is not allowed changes nothing."""
        if "sit" in move and author not in self.players and len(self.players) < 2:
            return self._replace(players=(*self.players, author))
        place = move.get("place")
        if author == self.turn and isinstance(place, int) and 0 <= place < 9 and self.places[place] == ".":
            mark = "XO"[self.players.index(author)]
            return self._replace(places=self.places[:place] + mark + self.places[place + 1 :])
        return self

    def __str__(self) -> str:
        return "\n".join(" ".join(self.places[row : row + 3]) for row in (0, 3, 6))


class Player:
    """One side of the table."""

    def __init__(self, client: Parley, room: str) -> None:
        self.board = Board()
        self.moved = asyncio.Event()
        self.client, self._room = client, room
        client.positions[room] = 0  # the whole log: that is the game
        client.on_event = self._event

    def _event(self, frame: Json) -> None:
        if frame["type"] == "message.created" and frame["room"] == self._room:
            message = frame["data"]["message"]
            self.board = self.board.after(message["author"]["id"], message["metadata"])
            self.moved.set()

    async def sit(self) -> None:
        """Take a chair; again is nothing."""
        await self.client.send(self._room, "sits down", client_id="sit", metadata={"sit": True})

    async def move(self, place: int) -> None:
        """Put my mark. The same move of the same turn again, after a crash, is the same message."""
        turn = 9 - self.board.places.count(".")
        await self.client.send(
            self._room, f"takes place {place}", client_id=f"move-{turn}", metadata={"place": place}
        )

    async def play(self) -> Board:
        """Move whenever it is my turn (the first free place), until the game is over."""
        await self.sit()
        while not self.board.over:
            self.moved.clear()
            if self.board.turn == self.client.user["id"]:
                await self.move(self.board.places.index("."))
            else:
                await self.moved.wait()
        return self.board


async def main(url: str, *player: str) -> None:
    """Two programs play one game, or `player` (name, password, room) takes part in one."""
    if player:
        await one(url, *player)
        return
    name = uuid.uuid4().hex[:8]
    ada = await Parley.log_in(url, f"ada-{name}", "correct horse", register=True)
    bob = await Parley.log_in(url, f"bob-{name}", "correct horse", register=True)
    room = await ada.rest(
        "POST", "rooms/", {"kind": "private", "name": "Noughts and crosses", "members": [bob.user["id"]]}
    )
    players = [Player(client, room["id"]) for client in (ada, bob)]
    for client in (ada, bob):
        await client.start()
    boards = await asyncio.gather(*(player.play() for player in players))
    for client in (ada, bob):
        await client.stop()
    print(boards[0])
    print("Both see the same." if boards[0] == boards[1] else "They differ!")


async def one(url: str, username: str, password: str, room: str) -> None:
    """One player's program, and the board in the end."""
    client = await Parley.log_in(url, username, password)
    player = Player(client, room)
    await client.start()
    print(await player.play())
    await client.stop()


if __name__ == "__main__":
    run(__doc__, main, ["name", "password", "room"])
