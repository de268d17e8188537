"""What is unread, held against counting it by hand, whatever three people do."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messaging.models import Message
from rooms.models import Membership

PEOPLE = ("ada", "bob", "eve")
WHO = st.sampled_from(PEOPLE)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), WHO, st.sampled_from(["hello", "@ada", "@bob @eve", "@eve @ada"])),
        st.tuples(st.just("reply in a thread"), WHO, st.sampled_from(["hello", "@bob"])),
        st.tuples(st.just("edit"), st.integers(0, 9), st.sampled_from(["other", "@ada @bob", "@eve"])),
        st.tuples(st.just("delete"), st.integers(0, 9), st.none()),
        st.tuples(st.just("read"), WHO, st.integers(0, 20)),
        st.tuples(st.just("read back"), WHO, st.integers(0, 20)),
        st.tuples(st.just("leave and come back"), st.sampled_from(("bob", "eve")), st.none()),
    ),
    max_size=12,
)


def by_hand(person, room):
    """`(unread_count, mention_count)` from every row there is."""
    mine = Membership.objects.get(room_id=room, user=person.user)
    unread = mentions = 0
    for message in Message.objects.filter(room_id=room):
        if message.seq <= mine.last_read_seq or message.deleted_at is not None:
            continue
        unread += message.author_id != person.user.id and message.thread_id is None
        mentions += person.id in message.mentions
    return unread, mentions


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_the_counts_are_those_made_by_hand(steps, ada, bob, eve):
    people = dict(zip(PEOPLE, (ada, bob, eve), strict=True))
    room = ada.room(bob, eve)
    sent = []
    for kind, subject, value in steps:
        if kind in ("send", "reply in a thread"):
            message = people[subject].send(room, value)
            sent.append((people[subject], message))
            if kind != "send":
                Message.objects.filter(pk=message["id"]).update(thread_id=sent[0][1]["id"])
        elif kind in ("edit", "delete") and sent:
            author, message = sent[subject % len(sent)]
            if kind == "delete":
                author.erase(message)
            elif Message.objects.get(pk=message["id"]).deleted_at is None:
                author.edit(message, value)
        elif kind in ("read", "read back"):
            people[subject].read(room, value, force=kind == "read back")
        elif kind == "leave and come back":
            people[subject].leave(room)
            ada.add(room, people[subject])
        for person in people.values():
            me = person.see(f"rooms/{room}/")["me"]
            assert (me["unread_count"], me["mention_count"]) == by_hand(person, room)
    for person in people.values():
        listed = person.see("rooms/")["results"][0]["me"]
        position = listed["last_read_seq"]
        assert listed == person.see(f"rooms/{room}/")["me"]
        assert person.read(room, position, force=True)["unread_count"] == listed["unread_count"]
