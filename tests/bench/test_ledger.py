"""The check of every delivery: what is lost, doubled or out of order is told apart."""

from bench.load.ledger import Message, Room, Seen


def room_with(*numbers: int) -> Room:
    """A room that got these messages of one sender."""
    room = Room("engine room", 0)
    for number in numbers:
        room.write(b"%d" % number, Message(0, number, 0), 0.0)
    return room


def test_what_follows_the_ledger_is_in_order() -> None:
    seen = Seen(room_with(0, 1, 2), 3)
    assert (seen.doubled, seen.disordered, len(seen.keys)) == (0, 0, 3)


def test_a_repetition_is_doubled_and_not_counted_again() -> None:
    seen = Seen(room_with(0, 1), 2)
    seen.take(Message(0, 1, 0))
    assert (seen.doubled, seen.disordered, len(seen.keys)) == (1, 0, 2)


def test_an_overtaken_message_is_out_of_order() -> None:
    seen = Seen(room_with(0), 1)
    seen.take(Message(0, 2, 0))
    seen.take(Message(0, 1, 0))
    assert (seen.doubled, seen.disordered, len(seen.keys)) == (0, 1, 3)


def test_two_senders_may_come_in_any_order() -> None:
    seen = Seen(room_with(0), 1)
    for sender, number in ((1, 5), (0, 1), (1, 6)):
        seen.take(Message(sender, number, 0))
    assert seen.disordered == 0


def test_a_lower_number_of_the_room_is_out_of_order_whoever_sent_it() -> None:
    seen = Seen(room_with(), 0)
    seen.take(Message(0, 0, 8))
    seen.take(Message(1, 0, 7))
    assert seen.disordered == 1


def test_the_ledger_notices_a_number_left_out() -> None:
    room = Room("engine room", 3)
    assert room.write(b"", Message(0, 0, 4), 0.0)
    assert not room.write(b"", Message(0, 2, 6), 0.0)
