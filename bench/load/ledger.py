"""What was delivered to whom, checked on every connection at the cost of one comparison a delivery.

Whoever gets an event first writes it into its room's ledger. For everybody else an event is right when it is,
byte for byte, the ledger's next one. The first that is not moves its connection to a set of everything it has
seen, which is slower and tells lost, doubled and out of order apart.
"""

from array import array


class Message:
    """A sender's number, the message's number with that sender, and the room's number (0: the server has none)."""

    __slots__ = ("number", "sender", "seq")

    def __init__(self, sender: int, number: int, seq: int) -> None:
        self.sender, self.number, self.seq = sender, number, seq

    @property
    def key(self) -> tuple[int, int]:
        return (self.sender, self.number)


class Room:
    """The ledger of one room: the events in the order of their first arrival."""

    def __init__(self, room_id: str, head: int) -> None:
        self.id = room_id
        self.head = head  # the number of the newest event, where the server numbers; 0: not known yet
        self.payloads: list[bytes] = []
        self.messages: list[Message] = []
        self.known: set[tuple[int, int]] = set()
        self.times = array("d")  # when each was sent, or should have been
        self.sent = 0
        self.refused = 0

    def write(self, payload: bytes, message: Message, sent_at: float) -> bool:
        """Append an event that is new; False where its number is not the next one."""
        self.payloads.append(payload)
        self.messages.append(message)
        self.known.add(message.key)
        self.times.append(sent_at)
        if not message.seq:
            return True
        follows = self.head == 0 or message.seq == self.head + 1
        self.head = max(self.head, message.seq)
        return follows

    @property
    def expected(self) -> int:
        """Deliveries due to each connection of the room."""
        return self.sent - self.refused


class Seen:
    """What one connection has got that no longer follows the ledger."""

    def __init__(self, room: Room, followed: int) -> None:
        self.keys: set[tuple[int, int]] = set()
        self.newest: dict[int, int] = {}
        self.seq = 0
        self.doubled = self.disordered = 0
        for message in room.messages[:followed]:
            self.take(message)

    def take(self, message: Message) -> None:
        """Count one more event. Out of order: behind a later one of its sender, or behind a later number."""
        if message.key in self.keys:
            self.doubled += 1
            return
        self.keys.add(message.key)
        if message.number < self.newest.get(message.sender, -1) or (message.seq and message.seq < self.seq):
            self.disordered += 1
        self.newest[message.sender] = max(message.number, self.newest.get(message.sender, -1))
        self.seq = max(self.seq, message.seq)
