"""Prices, 50 changes a second, live to any number of viewers.

A change is a `signal`: to whoever looks just now, never stored, and cheap. It may be lost, so once a second all
prices go out as a message, which may not; who opens the feed begins with the last one. Every viewer has the
same prices in the end. `python -m examples.live_feed [URL]` runs a feed and three viewers for five seconds.
"""

import asyncio
import random
import uuid

from examples.client import Json, Parley
from examples.running import run

SYMBOLS = ("COAL", "IRON", "STEAM", "WOOL")
CHANGES_A_SECOND = 50


class Prices:
    """What a viewer shows; `number` is that of the newest change it holds."""

    def __init__(self) -> None:
        self.number = 0
        self.prices: dict[str, float] = {}
        self.signals = 0

    def watch(self, client: Parley) -> None:
        """Take all that comes on this client's socket."""
        client.on_event, client.on_hint = self._event, self._hint

    def _event(self, frame: Json) -> None:
        if frame["type"] == "message.created":
            self.all(frame["data"]["message"])

    def all(self, message: Json) -> None:
        """A message with all prices, live or read by REST."""
        if message["metadata"]["number"] >= self.number:
            self.number, self.prices = message["metadata"]["number"], dict(message["metadata"]["prices"])

    def _hint(self, frame: Json) -> None:
        if frame["type"] == "signal" and frame["data"]["number"] > self.number:
            change = frame["data"]
            self.number = change["number"]
            self.prices[change["symbol"]] = change["price"]
            self.signals += 1


async def feed(client: Parley, room: str, seconds: float) -> Prices:
    """Change a price CHANGES_A_SECOND times a second; what the last message said."""
    own = Prices()
    own.prices = dict.fromkeys(SYMBOLS, 100.0)
    begun = asyncio.get_running_loop().time()
    for number in range(int(seconds * CHANGES_A_SECOND) + 1):
        own.number, symbol = number, random.choice(SYMBOLS)
        own.prices[symbol] = round(own.prices[symbol] * random.uniform(0.99, 1.01), 2)
        change = {"number": number, "symbol": symbol, "price": own.prices[symbol]}
        client.spawn(client.hint("signal", room=room, name="price", data=change))
        if number % CHANGES_A_SECOND == 0:
            everything = {"number": number, "prices": dict(own.prices)}
            client.spawn(client.send(room, "prices", metadata=everything))
        await asyncio.sleep(max(0.0, begun + number / CHANGES_A_SECOND - asyncio.get_running_loop().time()))
    await client.send(room, "prices", metadata={"number": own.number, "prices": own.prices})
    return own


async def open_feed(client: Parley, room: str) -> Prices:
    """A viewer: subscribed first, then the last message with all prices."""
    shown = Prices()
    shown.watch(client)
    await client.start()
    for message in (await client.rest("GET", f"rooms/{room}/messages/?limit=1"))["results"]:
        shown.all(message)
    return shown


async def play(
    url: str, *, viewers: int = 3, sockets_a_person: int = 20, seconds: float = 5
) -> tuple[Prices, list[Prices]]:
    """A feed and its viewers; what the feeder has in the end, and what each viewer shows."""
    name = uuid.uuid4().hex[:8]
    feeder = await Parley.log_in(url, f"feed-{name}", "correct horse", register=True)
    room = (await feeder.rest("POST", "rooms/", {"kind": "public", "name": "Prices"}))["id"]
    await feeder.start()
    people: list[Parley] = []
    for number in range(-(-viewers // sockets_a_person)):
        person = await Parley.log_in(url, f"viewer-{name}-{number}", "correct horse", register=True)
        await person.rest("POST", f"rooms/{room}/join/")
        people.append(person)
    clients = [people[number // sockets_a_person].another() for number in range(viewers)]
    shown = [await open_feed(client, room) for client in clients]
    end = await feed(feeder, room, seconds)
    head = (await feeder.rest("GET", f"rooms/{room}/"))["last_seq"]
    for client in (feeder, *clients):
        await client.reach(room, head)
        await client.stop()
    return end, shown


async def main(url: str) -> None:
    """Run a feed, and say what every viewer shows."""
    end, shown = await play(url)
    print(end.prices)
    for viewer in shown:
        print(f"{viewer.signals} signals, the same prices: {viewer.prices == end.prices}")


if __name__ == "__main__":
    run(__doc__, main)
