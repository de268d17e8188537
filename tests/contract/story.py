"""One story with every kind of person, room and thing in it, for whoever calls all operations of the document.

Ada's rooms, one of each kind. In the public and the private one: carol is an admin, bob and grace are members,
dave is muted, mallory was banned, trent was removed, a bot of ada's is a member with a token of every scope and one
of none. With ada alone, each in a direct room of their own: bob, frank (who blocks her) and the bot. Dan is in no
room, eve in none of ada's.
"""

import copy
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple

from django.db import transaction

from accounts.api_tokens import hash_of
from accounts.models import ApiToken, Block
from accounts.scopes import ROOMS_READ
from common import clock, examples, ids
from realtime.events import EventType
from rooms import log
from rooms.models import Ban, Kind, Membership, Room
from rooms.selectors import current_epoch
from tests.api import PASSWORD, Api, Person, register
from tests.bots import another_token, make_bot
from tests.contract.document import Operation, body_examples

VIEWERS = (
    "nobody", "stranger", "member", "muted", "banned", "removed", "admin", "owner", "blocked",
    "bot without the scope", "bot",
)  # fmt: skip
OUTSIDE = ("stranger", "banned", "removed")
KINDS = ("public", "private", "direct")
IN_DIRECT = ("nobody", "stranger", "member", "blocked", "bot without the scope", "bot")

_numbers = itertools.count(1)


class Nobody:
    """Who calls without a token."""

    def call(self, method: str, path: str, body: Any = None) -> Any:
        return Api().call(method, path, body)


class Place(NamedTuple):
    """A room, and for each who is in it a message of theirs; `others` is grace's, in a direct room ada's."""

    id: str
    mine: dict[str, str]
    others: str


class Story:
    """See the module. `people` are by what they are in the public and the private room."""

    def __init__(self) -> None:
        ada = register("ada", email="ada@example.com")
        self.people: dict[str, Person] = {"owner": ada} | {
            role: register(name)
            for role, name in (
                ("stranger", "eve"), ("member", "bob"), ("muted", "dave"), ("banned", "mallory"),
                ("removed", "trent"), ("admin", "carol"), ("other", "grace"), ("blocked", "frank"),
                ("newcomer", "dan"),
            )
        }  # fmt: skip
        bot = make_bot(ada, "adas-bot")
        self.people |= {"bot": bot, "bot without the scope": _without_scopes(bot)}
        self.bots = {role: make_bot(person, f"bot{n}") for n, (role, person) in enumerate(self._persons())}
        self.tokens = {str(token.bot_id): str(token.id) for token in ApiToken.objects.all()}
        self.places: dict[tuple[str, str], Place] = {}
        for kind in ("public", "private"):
            place = self._room(kind)
            for viewer in VIEWERS:
                if viewer != "blocked":
                    self.places[kind, viewer] = place
        for viewer in IN_DIRECT:
            with_ada = (
                "member" if viewer in ("nobody", "stranger") else viewer.removesuffix(" without the scope")
            )
            if (who := self.people.get(with_ada)) is not None:
                self.places["direct", viewer] = self._direct(ada, who, with_ada)
        Block.objects.create(blocker=self.people["blocked"].user, blocked=ada.user)
        # A room that all are in but the stranger, and one that only ada is in.
        everybody = [person for role, person in self.people.items() if role not in ("owner", "stranger")]
        elsewhere = ada.room(*everybody, name="Elsewhere")
        self.elsewhere = ada.send(elsewhere)["id"]
        self.unseen_room = ada.room(name="Unseen")
        self.unseen = ada.send(self.unseen_room)["id"]
        current_epoch()  # made when it is first asked for

    def _room(self, kind: str) -> Place:
        people, ada = self.people, self.people["owner"]
        inside = [role for role in ("member", "muted", "banned", "removed", "other", "bot") if role in people]
        room = ada.room(*(people[role] for role in inside), kind=kind)
        ada.add(room, people["admin"], role="admin")
        mine = {role: people[role].send(room)["id"] for role in ("owner", "admin", "member", "muted", "bot")}
        others = people["other"].send(room)["id"]
        ada.remove(room, people["removed"])
        ada.remove(room, people["banned"])
        Ban.objects.create(room_id=room, user=people["banned"].user, created_by=ada.user)
        until = clock.now() + timedelta(days=1)
        Membership.objects.filter(room_id=room, user=people["muted"].user).update(muted_until=until)
        return Place(room, mine, others)

    def _direct(self, ada: Person, other: Person, role: str) -> Place:
        low, high = sorted((ada.user, other.user), key=lambda user: user.id)
        found = Room.objects.filter(direct_low=low, direct_high=high).first()
        if found is not None:
            return next(place for place in self.places.values() if place.id == str(found.id))
        with transaction.atomic():
            room = Room.objects.create(
                kind=Kind.DIRECT, created_by=ada.user, direct_low=low, direct_high=high
            )
            at = clock.now()
            joins = [log.Entry(room, EventType.MEMBER_JOINED, ada.user.id, user.id) for user in (low, high)]
            log.append([log.Entry(room, EventType.ROOM_CREATED, ada.user.id), *joins], at=at)
            Membership.objects.bulk_create(
                Membership(room=room, user_id=e.subject_id, joined_seq=e.seq, changed_seq=e.seq)
                for e in joins
            )
        key = str(room.id)
        return Place(key, {role: other.send(key)["id"]}, ada.send(key)["id"])

    # What is called, and with what

    def viewers(self, kind: str) -> list[str]:
        """Those who may look at a room of this kind."""
        all_of_them = IN_DIRECT if kind == "direct" else VIEWERS
        return [v for v in all_of_them if (kind, v) in self.places and (v == "nobody" or v in self.people)]

    def caller(self, viewer: str) -> Any:
        """Who calls as this viewer: has `call(method, path, body)`."""
        return Nobody() if viewer == "nobody" else self.people[viewer]

    def ids(self, operation: Operation, viewer: str, kind: str, *, mine: bool = False) -> dict[str, str]:
        """What the parameters of the operation's path are for this viewer; a message is theirs if `mine`.

        Raises:
            LookupError: a parameter that nothing here fills.
        """
        place = self.places.get((kind, viewer)) or self.places["private", "owner"]
        known = {
            "room_id": place.id,
            "message_id": place.mine.get(viewer, place.others) if mine else place.others,
            "user_id": self._user_of(operation.path, kind),
            "session_id": self._session_of(viewer),
            "bot_id": self._bot_of(viewer).id,
            "token_id": self._token_of(viewer),
        }
        missing = [name for name in operation.parameters if name not in known]
        if missing:
            raise LookupError(
                f"{operation.id}: nothing fills {', '.join(missing)} of its path; name the id in Story.ids() of "
                "tests/contract/story.py, and in Story.foreign() one of somebody else's"
            )
        return {name: known[name] for name in operation.parameters}

    def _persons(self) -> list[tuple[str, Person]]:
        return [(role, person) for role, person in self.people.items() if not person.user.is_bot]

    def _bot_of(self, viewer: str) -> Person:
        """A bot of the viewer's; ada's for whoever can have none."""
        return self.bots.get(viewer, self.bots["owner"])

    def _session_of(self, viewer: str) -> str:
        """The viewer's session; ada's for whoever has none."""
        person = self.people.get(viewer, self.people["owner"])
        return str((person.session or self.people["owner"].session).id)

    def _token_of(self, viewer: str) -> str:
        return self.tokens[self._bot_of(viewer).id]

    def _user_of(self, path: str, kind: str) -> str:
        if path.startswith("rooms/{room_id}/bans/"):
            return self.people["banned"].id
        if path.startswith("rooms/{room_id}/"):
            return self.people["owner" if kind == "direct" else "other"].id
        return self.people["newcomer"].id

    def foreign(self, operation: Operation, name: str, viewer: str) -> list[str]:
        """Ids there are of this kind which, in this place, are to look like one that never was."""
        if name == "message_id":
            return [self.unseen, *([] if viewer == "stranger" else [self.elsewhere])]
        if name == "user_id" and operation.path.startswith("rooms/{room_id}/members/"):
            return [self.people[role].id for role in ("newcomer", "removed", "banned")]
        other = "stranger" if viewer != "stranger" else "owner"
        if name == "session_id":
            return [self._session_of(other)]
        if name == "bot_id":
            return [self.bots[other].id, self.people[other].id]
        if name == "token_id":
            return [self._token_of(other)]
        return []

    def body(self, operation: Operation, viewer: str, kind: str) -> Any:
        """The document's own first example of a body, made true; None where the operation takes none."""
        found = body_examples(operation)
        return self.true(operation, next(iter(found.values())), viewer, kind) if found else None

    def true(self, operation: Operation, example: Any, viewer: str, kind: str) -> Any:
        """An example of the document with the ids and names of this story."""
        place = self.places.get((kind, viewer)) or self.places["private", "owner"]
        person = self.people.get(viewer, self.people["newcomer"])
        true = {
            examples.ADA["id"]: self.people["owner"].id,
            examples.BOB["id"]: self.people["newcomer"].id,
            examples.ROOM["id"]: place.id,
            examples.MESSAGE["id"]: place.others,
        }
        made = _replaced(copy.deepcopy(example), true)
        number = next(_numbers)
        fresh = {"client_id": f"story-{number}", "refresh": person.refresh or self.people["newcomer"].refresh}
        if operation.id == "auth_register":
            fresh |= {"username": f"newcomer{number}", "email": f"newcomer{number}@example.com"}
        if operation.id == "auth_log_in":
            fresh |= {"username": "ada", "password": PASSWORD}
        return made | {name: value for name, value in fresh.items() if name in made}

    def query(self, operation: Operation) -> str:
        """The parameters that the operation's query must have."""
        values = {"since": 0, "ids": self.people["owner"].id}
        needed = [
            p["name"]
            for p in operation.spec.get("parameters", ())
            if p["in"] == "query" and p.get("required")
        ]
        if operation.id == "users_list":  # one of two, which the document can say in words alone
            needed.append("ids")
        return "?" + "&".join(f"{name}={values[name]}" for name in needed) if needed else ""

    def ask(
        self,
        operation: Operation,
        viewer: str,
        kind: str,
        *,
        mine: bool = False,
        body: Any = ...,
        **other: str,
    ) -> Any:
        """The answer to this viewer; `other` replaces ids of the path."""
        found = self.ids(operation, viewer, kind, mine=mine) | other
        path = operation.path.format(**found) + self.query(operation)
        sent = self.body(operation, viewer, kind) if body is ... else body
        return self.caller(viewer).call(operation.method, path, sent)


def _without_scopes(bot: Person) -> Person:
    """The bot with a token that may do nothing, such as nobody is given."""
    bare = another_token(bot, ROOMS_READ)
    ApiToken.objects.filter(token_hash=hash_of(bare.access)).update(scopes=[])
    return bare


def _replaced(value: Any, true: dict[str, str]) -> Any:
    """`value` with every text that is a key of `true` replaced, however deep it stands."""
    if isinstance(value, dict):
        return {name: _replaced(item, true) for name, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, true) for item in value]
    return true.get(value, value) if isinstance(value, str) else value


def never() -> str:
    """An id that never was."""
    return str(ids.new_id())


@contextmanager
def undone() -> Iterator[None]:
    """What is written inside is undone at the end."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
