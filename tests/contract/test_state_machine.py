"""Three people do as they like in one room; whatever they do, clients that follow the log see what REST shows, and
nobody gets further than their role (FAULTS B17)."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from rooms.models import LogEntry, Membership, Room
from tests.api import path_of
from tests.client.state import ClientState, shared
from tests.contract.room_state import catch_up, from_nothing, loaded

NAMES = ("ada", "bob", "eve")
WHO = st.sampled_from(NAMES)
ROLE = st.sampled_from(("member", "admin", "owner"))
RANK = {None: -1, "member": 0, "admin": 1, "owner": 2}


def machine(people):
    """The machine of these people."""

    class Lives(RuleBasedStateMachine):
        """The model: who is in the room, as what, who is banned and muted. The rules hold REST's answers against it."""

        @initialize(with_bob=st.booleans())
        def create(self, with_bob):
            self.room = people["ada"].room(*([people["bob"]] if with_bob else []), kind="public")
            self.roles = dict.fromkeys(NAMES) | {"ada": "owner"} | ({"bob": "member"} if with_bob else {})
            self.banned, self.muted = set(), set()
            self.head = 3 if with_bob else 2
            self.follower: ClientState = loaded(people["ada"], self.room)
            self.sent = {}  # who and client_id: what was sent first, and the message as it should be now

        def owners(self):
            return [name for name, role in self.roles.items() if role == "owner"]

        @rule(actor=WHO, other=WHO, role=ROLE)
        def add(self, actor, other, role):
            answer = people[actor].post(
                f"rooms/{self.room}/members/", {"user": people[other].id, "role": role}
            )
            mine = self.roles[actor]
            if mine is None:
                assert answer.code == "not_a_member"
            elif mine == "member" or (mine == "admin" and RANK[role] >= RANK[mine]):
                assert answer.code == "forbidden"
            elif other in self.banned:
                assert (answer.code, answer.attrs) == ("banned", {"user"})
            elif self.roles[other] is not None:
                assert (answer.status, answer.body["role"]) == (200, self.roles[other])
            else:
                assert (answer.status, answer.body["changed_seq"]) == (201, self.head + 1)
                self.roles[other] = role
                self.head += 1

        @rule(who=WHO)
        def join(self, who):
            answer = people[who].post(f"rooms/{self.room}/join/")
            assert (answer.status, answer.code) == ((403, "banned") if who in self.banned else (200, None))
            if self.roles[who] is None and who not in self.banned:
                self.roles[who] = "member"
                self.head += 1

        @rule(actor=WHO, other=WHO)
        def remove(self, actor, other):
            answer = people[actor].delete(f"rooms/{self.room}/members/{people[other].id}/")
            mine, theirs = self.roles[actor], self.roles[other]
            if mine is None:
                assert answer.code == "not_a_member"
            elif actor == other:
                self.left(answer, other)
            elif mine == "member":
                assert answer.code == "forbidden"
            elif theirs is None:
                assert answer.code == "not_found"
            elif RANK[theirs] >= RANK[mine]:
                assert answer.code == "forbidden"
            else:
                self.left(answer, other)

        def refusal(self, actor, other):
            """Why `actor` may not act on `other` at all; None where their ranks allow it."""
            mine, theirs = self.roles[actor], self.roles[other]
            if mine is None:
                return "not_a_member"
            if mine == "member":
                return "forbidden"
            if theirs is None:
                return "not_found"
            return "forbidden" if RANK[theirs] >= RANK[mine] else None

        @rule(actor=WHO, other=WHO, role=ROLE)
        def change_role(self, actor, other, role):
            path = f"rooms/{self.room}/members/{people[other].id}/"
            answer = people[actor].call("PATCH", path, {"role": role})
            mine, theirs = self.roles[actor], self.roles[other]
            if actor == other and mine is not None:
                if RANK[role] > RANK[mine]:
                    code = "forbidden"
                else:
                    code = "last_owner" if role != mine and self.owners() == [other] else None
            else:
                code = self.refusal(actor, other)
                if code is None and role != theirs and mine != "owner" and RANK[role] >= RANK[mine]:
                    code = "forbidden"
            assert answer.code == code
            if code is None:
                self.head += role != theirs
                self.roles[other] = role
                assert answer.body["role"] == role

        @rule(actor=WHO, other=WHO, on=st.booleans())
        def mute(self, actor, other, on):
            path = f"rooms/{self.room}/members/{people[other].id}/"
            answer = people[actor].call(
                "PATCH", path, {"muted_until": "2099-01-01T00:00:00Z" if on else None}
            )
            changes = on != (other in self.muted)
            if actor == other and self.roles[actor] is not None:
                code = "forbidden" if changes else None
            else:
                code = self.refusal(actor, other)
            assert answer.code == code
            if code is None:
                self.head += changes
                (self.muted.add if on else self.muted.discard)(other)

        @rule(actor=WHO, other=WHO)
        def ban(self, actor, other):
            answer = people[actor].call("PUT", f"rooms/{self.room}/bans/{people[other].id}/", {})
            code = "forbidden" if actor == other else self.refusal(actor, other)
            if self.roles[actor] is None:
                code = "not_a_member"
            if code == "not_found":  # a stranger is banned without more ado
                code = None
            assert answer.code == code
            if code is None:
                assert answer.status == (200 if other in self.banned else 201)
                self.head += self.roles[other] is not None
                self.roles[other] = None
                self.banned.add(other)

        @rule(actor=WHO, other=WHO)
        def lift(self, actor, other):
            answer = people[actor].delete(f"rooms/{self.room}/bans/{people[other].id}/")
            code = {None: "not_a_member", "member": "forbidden"}.get(self.roles[actor])
            assert answer.code == code
            if code is None:
                self.banned.discard(other)

        @rule(who=WHO)
        def leave(self, who):
            answer = people[who].post(f"rooms/{self.room}/leave/")
            if self.roles[who] is None:
                assert answer.code == "not_a_member"
            else:
                self.left(answer, who)

        def left(self, answer, who):
            if self.owners() == [who]:
                assert answer.code == "last_owner"
            else:
                assert answer.status == 204
                self.roles[who] = None
                self.head += 1

        @rule(who=WHO, client_id=st.sampled_from("abc"), body=st.sampled_from(("x", "y")))
        def send(self, who, client_id, body):
            known, _ = self.sent.get((who, client_id), (None, None))
            answer = people[who].post(f"rooms/{self.room}/messages/", {"client_id": client_id, "body": body})
            if self.roles[who] is None:
                assert answer.code == "not_a_member"
            elif known is not None and known != body:
                assert answer.code == "client_id_conflict"
            elif known is not None:
                assert (answer.status, answer.body) == (200, self.sent[who, client_id][1])
            elif who in self.muted:
                assert answer.code == "muted"
            else:
                assert (answer.status, answer.body["seq"]) == (201, self.head + 1)
                self.sent[who, client_id] = (body, answer.body)
                self.head += 1

        @precondition(lambda self: self.sent)
        @rule(data=st.data(), who=WHO, body=st.sampled_from(("x", "y")))
        def edit(self, data, who, body):
            author, client_id = data.draw(st.sampled_from(sorted(self.sent)), "whose")
            first, message = self.sent[author, client_id]
            answer = people[who].call("PATCH", path_of(message), {"body": body})
            if self.roles[who] is None:
                assert answer.code == "not_a_member"
            elif who in self.muted:
                assert answer.code == "muted"
            elif who != author:
                assert answer.code == "forbidden"
            elif message["deleted_at"] is not None:
                assert answer.code == "message_deleted"
            elif message["body"] == body:
                assert (answer.status, answer.body) == (200, message)
            else:
                self.head += 1
                changed = {"body": body, "changed_seq": self.head, "edited_at": answer.body["edited_at"]}
                assert (answer.status, answer.body) == (200, message | changed)
                self.sent[author, client_id] = (first, answer.body)

        @precondition(lambda self: self.sent)
        @rule(data=st.data(), who=WHO)
        def delete(self, data, who):
            author, client_id = data.draw(st.sampled_from(sorted(self.sent)), "whose")
            first, message = self.sent[author, client_id]
            answer = people[who].delete(path_of(message))
            if self.roles[who] is None:
                assert answer.code == "not_a_member"
            elif who != author and self.roles[who] == "member":
                assert answer.code == "forbidden"
            elif message["deleted_at"] is not None:
                assert (answer.status, answer.body) == (200, message)
            else:
                self.head += 1
                changed = {"body": "", "changed_seq": self.head, "deleted_at": answer.body["deleted_at"]}
                assert (answer.status, answer.body) == (200, message | changed)
                self.sent[author, client_id] = (first, answer.body)

        @rule(who=WHO, seq=st.integers(0, 12), force=st.booleans())
        def read(self, who, seq, force):
            answer = people[who].post(f"rooms/{self.room}/read/", {"seq": seq, "force": force})
            if self.roles[who] is None:
                assert answer.code == "not_a_member"
            elif force:
                assert answer.body["last_read_seq"] == min(seq, self.head)
            else:
                assert min(seq, self.head) <= answer.body["last_read_seq"] <= self.head

        @precondition(lambda self: hasattr(self, "follower"))
        @rule()
        def follow(self):
            catch_up(self.follower, people[self.owners()[0]])

        @invariant()
        def the_database_agrees_with_the_model(self):
            if not hasattr(self, "room"):
                return
            rows = Membership.objects.filter(room_id=self.room, left_seq=None)
            found = dict(rows.values_list("user__username", "role"))
            assert found == {name: role for name, role in self.roles.items() if role is not None}
            room = Room.objects.get(pk=self.room)
            assert (room.last_seq, room.member_count) == (self.head, len(found))
            log = LogEntry.objects.filter(room_id=self.room).order_by("seq").values_list("seq", flat=True)
            assert list(log) == list(range(1, self.head + 1))

        def teardown(self):
            if not hasattr(self, "room"):
                return
            reader = people[self.owners()[0]]
            now = loaded(reader, self.room)
            self.follow()
            assert self.follower.differences(now) == []
            assert from_nothing(reader, self.room).differences(now) == []
            should = {message["id"]: shared(message) for _, message in self.sent.values()}
            assert now.rooms[self.room].messages == should

    return Lives


def test_whatever_three_people_do(ada, bob, eve):
    run_state_machine_as_test(
        machine({"ada": ada, "bob": bob, "eve": eve}),
        settings=settings(
            max_examples=12, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
