"""What Parley is, in a page: rooms, people and messages as docs/rest.md describes them, without a database.

Each method does what the call of that name does and gives `ok`, or the code of the refusal; what a refused call
asks for does not happen. People are names.
"""

from dataclasses import dataclass, field
from typing import Any

RANK = {"member": 0, "admin": 1, "owner": 2}
UNREAD_MOST = 100


@dataclass
class Stay:
    """From one's `member.joined` to one's `member.left`, by number and by step; None while in."""

    joined: int
    came: int
    left: int | None = None
    went: int | None = None


@dataclass
class Member:
    """Somebody who is, or was, in a room. Role and position are of this stay, the rest stays with them."""

    role: str
    read: int
    stays: list[Stay]
    muted: str | None = None
    notifications: str = "all"
    favourite: bool = False

    @property
    def present(self) -> bool:
        return self.stays[-1].left is None

    def was_in(self, step: int) -> bool:
        """Whether they were in at some time of this step."""
        return any(stay.came <= step and (stay.went is None or step <= stay.went) for stay in self.stays)


@dataclass
class Text:
    """A message. `body` is None when deleted; `gone` are the bodies it had, each with the step that ended it.

    `sent` is what was sent at first. `named` are whom it mentions, `heard` those of them in whose count it is.
    """

    id: str
    author: str
    seq: int
    sent: dict[str, Any]
    body: str | None
    edited: bool = False
    named: list[str] = field(default_factory=list)
    heard: set[str] = field(default_factory=set)
    gone: list[tuple[str, int]] = field(default_factory=list)

    @property
    def client_id(self) -> str:
        return str(self.sent["client_id"])


class World:
    """All rooms of one example, who blocks whom, and the step it is at."""

    def __init__(self) -> None:
        self.step = 0
        self.rooms: list[Place] = []
        self.blocks: set[tuple[str, str]] = set()

    def apart(self, one: str, other: str) -> bool:
        """Whether either blocks the other."""
        return not self.blocks.isdisjoint({(one, other), (other, one)})

    def direct(self, one: str, other: str) -> "Place | None":
        """Their direct room."""
        found = [
            place for place in self.rooms if place.kind == "direct" and place.people.keys() == {one, other}
        ]
        return found[0] if found else None

    def open_direct(self, one: str, other: str) -> str:
        """Found or made."""
        if one == other:
            return "invalid"
        if self.direct(one, other) is None:
            if self.apart(one, other):
                return "blocked"
            self.create(one, "direct", one, other)
        return "ok"

    def block(self, one: str, other: str) -> str:
        if one == other:
            return "invalid"
        self.blocks.add((one, other))
        return "ok"

    def unblock(self, one: str, other: str) -> str:
        if one == other:
            return "invalid"
        self.blocks.discard((one, other))
        return "ok"

    def create(self, creator: str, kind: str, *others: str) -> "Place":
        """A new room; of a direct one all are plain members, in the order of `others`."""
        place = Place(self, kind, creator)
        self.rooms.append(place)
        place.log.append(("room.created", creator))
        for name in dict.fromkeys((*(() if kind == "direct" else (creator,)), *others)):
            role = "owner" if kind != "direct" and name == creator else "member"
            place.enter(name, creator, role)
        return place


class Place:
    """A room. `log` is the type and the actor of every event; its length is the head."""

    def __init__(self, world: World, kind: str, creator: str) -> None:
        self.world = world
        self.kind = kind
        self.id = ""
        self.name: str | None = None if kind == "direct" else "Engine room"
        self.topic = ""
        self.deleted = False
        self.people: dict[str, Member] = {}
        self.banned: set[str] = set()
        self.texts: list[Text] = []
        self.log: list[tuple[str, str]] = []

    # What is

    @property
    def head(self) -> int:
        return len(self.log)

    @property
    def present(self) -> dict[str, Member]:
        """Who is in it."""
        return {} if self.deleted else {name: one for name, one in self.people.items() if one.present}

    def refusal(self, who: str) -> str | None:
        """What one who is not in it is told; None for those who are."""
        if who in self.present:
            return None
        return "not_a_member" if self.kind == "public" and not self.deleted else "not_found"

    def unread(self, who: str) -> int:
        """Others' messages after the position, up to a hundred."""
        read = self.people[who].read
        found = [t for t in self.texts if t.seq > read and t.author != who and t.body is not None]
        return min(len(found), UNREAD_MOST)

    def mentions(self, who: str) -> int:
        """In messages after the position, up to a hundred."""
        read = self.people[who].read
        return min(len([t for t in self.texts if t.seq > read and who in t.heard]), UNREAD_MOST)

    def rank(self, who: str) -> int:
        return RANK[self.people[who].role]

    def is_last_owner(self, who: str) -> bool:
        return [name for name, one in self.present.items() if one.role == "owner"] == [who]

    def silenced(self, who: str) -> str | None:
        """Why one who is in it may not speak there just now."""
        if self.people[who].muted:
            return "muted"
        apart = self.kind == "direct" and self.world.apart(*self.people)
        return "blocked" if apart else None

    def pick(self, who: str, which: int) -> Text | None:
        """A message, mostly of theirs."""
        some = [text for text in self.texts if text.author == who] if which < 9 else self.texts
        return some[which % len(some)] if some else None

    def bodies(self) -> list[str]:
        """Every text that was ever said in it."""
        return [body for text in self.texts for body in (text.body, *(old for old, _ in text.gone)) if body]

    # What is done

    def enter(self, name: str, actor: str, role: str) -> None:
        self.log.append(("member.joined", actor))
        stay = Stay(self.head, self.world.step)
        if name in self.people:
            one = self.people[name]
            one.role, one.read = role, self.head
            one.stays.append(stay)
        else:
            self.people[name] = Member(role, self.head, [stay])

    def go_out(self, name: str, actor: str) -> str:
        if self.is_last_owner(name):
            return "last_owner"
        self.log.append(("member.left", actor))
        self._end_stay(name)
        return "ok"

    def _end_stay(self, name: str) -> None:
        stay = self.people[name].stays[-1]
        stay.left, stay.went = self.head, self.world.step

    def update(self, actor: str, name: str, topic: str) -> str:
        if refused := self.refusal(actor):
            return refused
        if self.rank(actor) < RANK["admin"]:
            return "forbidden"
        if (name, topic) != (self.name, self.topic):
            self.name, self.topic = name, topic
            self.log.append(("room.updated", actor))
        return "ok"

    def delete(self, actor: str) -> str:
        if refused := self.refusal(actor):
            return refused
        if self.rank(actor) < RANK["owner"]:
            return "forbidden"
        self.log.append(("room.deleted", actor))
        for name in self.present:
            self._end_stay(name)
        self.deleted = True
        return "ok"

    def add(self, actor: str, other: str, role: str) -> str:
        if refused := self.refusal(actor):
            return refused
        mine = self.rank(actor)
        if mine == 0 or (mine == RANK["admin"] and RANK[role] >= mine):
            return "forbidden"
        if other in self.banned:
            return "banned"
        if other not in self.present:
            self.enter(other, actor, role)
        return "ok"

    def join(self, who: str) -> str:
        if who in self.present:
            return "ok"
        if self.deleted or self.kind != "public":
            return "not_found"
        if who in self.banned:
            return "banned"
        self.enter(who, who, "member")
        return "ok"

    def leave(self, who: str) -> str:
        if refused := self.refusal(who):
            return refused
        return "forbidden" if self.kind == "direct" else self.go_out(who, who)

    def remove(self, actor: str, other: str) -> str:
        if refused := self.refusal(actor):
            return refused
        if self.kind == "direct":
            return "forbidden"
        if actor == other:
            return self.go_out(actor, actor)
        if self.rank(actor) == 0:
            return "forbidden"
        if other not in self.present:
            return "not_found"
        return "forbidden" if self.rank(other) >= self.rank(actor) else self.go_out(other, actor)

    def set_role(self, actor: str, other: str, role: str) -> str:
        if refused := self._may_change(actor, other):
            return refused
        one, oneself, mine = self.people[other], actor == other, self.rank(actor)
        if role == one.role:
            return "ok"
        if RANK[role] >= mine and (oneself or mine < RANK["owner"]):
            return "forbidden"
        if oneself and self.is_last_owner(actor):
            return "last_owner"
        one.role = role
        self.log.append(("member.updated", actor))
        return "ok"

    def mute(self, actor: str, other: str, until: str | None) -> str:
        """Until then, another time than any before; None is no more."""
        if refused := self._may_change(actor, other):
            return refused
        one = self.people[other]
        if until == one.muted:
            return "ok"
        if actor == other:
            return "forbidden"
        one.muted = until
        self.log.append(("member.updated", actor))
        return "ok"

    def _may_change(self, actor: str, other: str) -> str | None:
        if refused := self.refusal(actor):
            return refused
        if self.kind == "direct" or (actor != other and self.rank(actor) == 0):
            return "forbidden"
        if other not in self.present:
            return "not_found"
        return "forbidden" if actor != other and self.rank(other) >= self.rank(actor) else None

    def ban(self, actor: str, other: str) -> str:
        if refused := self.refusal(actor):
            return refused
        if self.kind == "direct" or self.rank(actor) == 0 or actor == other:
            return "forbidden"
        if other in self.present and self.rank(other) >= self.rank(actor):
            return "forbidden"
        self.banned.add(other)
        if other in self.present:
            self.go_out(other, actor)
        return "ok"

    def lift(self, actor: str, other: str) -> str:
        if refused := self.refusal(actor):
            return refused
        if self.kind == "direct" or self.rank(actor) == 0:
            return "forbidden"
        self.banned.discard(other)
        return "ok"

    def set_mine(self, who: str, notifications: str, favourite: bool) -> str:
        if refused := self.refusal(who):
            return refused
        one = self.people[who]
        one.notifications, one.favourite = notifications, favourite
        return "ok"

    def hint(self, who: str) -> str:
        """Typing, a signal."""
        return self.refusal(who) or self.silenced(who) or "ok"

    def send(self, who: str, sent: dict[str, Any], names: list[str]) -> str:
        """`names` are those in the text, members or not."""
        if refused := self.refusal(who):
            return refused
        for text in self.texts:
            if (text.author, text.client_id) == (who, sent["client_id"]):
                return "ok" if text.sent == sent else "client_id_conflict"
        if silenced := self.silenced(who):
            return silenced
        if sent.get("reply_to") not in (None, *(text.id for text in self.texts)):
            return "invalid"
        self.log.append(("message.created", who))
        text = Text("", who, self.head, sent, sent["body"])
        self._name(text, names)
        self.texts.append(text)
        self.people[who].read = self.head
        return "ok"

    def edit(self, who: str, text: Text, body: str, names: list[str]) -> str:
        if refused := self.refusal(who):
            return refused
        if silenced := self.silenced(who):
            return silenced
        if text.author != who:
            return "forbidden"
        if text.body is None:
            return "message_deleted"
        if text.body != body:
            self.log.append(("message.updated", who))
            text.gone.append((text.body, self.world.step))
            text.body, text.edited = body, True
            self._name(text, names)
        return "ok"

    def _name(self, text: Text, names: list[str]) -> None:
        """Of members and not the author; who is newly named counts it, unless a block is between them."""
        named = [name for name in dict.fromkeys(names) if name in self.present and name != text.author]
        newly = {n for n in named if n not in text.named and not self.world.apart(n, text.author)}
        text.named, text.heard = named, (text.heard & set(named)) | newly

    def erase(self, who: str, text: Text) -> str:
        if refused := self.refusal(who):
            return refused
        if text.author != who and self.rank(who) < RANK["admin"]:
            return "forbidden"
        if text.body is not None:
            self.log.append(("message.deleted", who))
            text.gone.append((text.body, self.world.step))
            text.body, text.named, text.heard = None, [], set()
        return "ok"

    def read(self, who: str, seq: int, force: bool) -> str:
        if refused := self.refusal(who):
            return refused
        one, target = self.people[who], min(seq, self.head)
        one.read = target if force else max(one.read, target)
        return "ok"
