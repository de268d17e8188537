"""Who may call what: one line for every operation of the document and every command of the socket.

Written by hand from docs/rest.md and docs/protocol.md. An operation without a line fails test_access.py.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from accounts.scopes import ANY, MESSAGES_READ, MESSAGES_WRITE, ROOMS_READ, ROOMS_WRITE
from tests.contract.story import OUTSIDE

Least = Literal["anybody", "person", "member", "admin", "owner", "none"]
_RANK = {"member": 0, "muted": 0, "blocked": 0, "bot": 0, "admin": 1, "owner": 2}
_NEEDED = {"member": 0, "admin": 1, "owner": 2, "none": 3}


class Rule(NamedTuple):
    """An operation's line.

    `least` is who may at least: `anybody` needs no token, `person` no room; the others are roles in the room.
    `theirs` is the same where the message is somebody else's. `scope` is what an API token needs: ANY for every
    token, None for none at all. `but` names the exceptions by viewer, kind of room or both, "<viewer> <kind>";
    values are `ok` or a code.
    """

    least: Least
    scope: str | None = None
    but: Mapping[str, str] = {}
    theirs: Least | None = None

    def expected(self, viewer: str, kind: str, *, mine: bool = False) -> str:
        """`ok`, or the code that this viewer gets."""
        if self.least == "anybody":
            return "ok"
        if viewer == "nobody":
            return "not_authenticated"
        if viewer.startswith("bot") and self.scope is None:
            return "forbidden"
        if viewer == "bot without the scope" and self.scope != ANY:
            return "scope_missing"
        if self.least == "person":
            return "ok"
        who = viewer.removesuffix(" without the scope")
        if who in OUTSIDE:
            return self.but.get(f"{who} {kind}", "not_a_member" if kind == "public" else "not_found")
        for key in (f"{who} {kind}", kind, who):
            if key in self.but:
                return self.but[key]
        least = self.least if mine or self.theirs is None else self.theirs
        return "ok" if _RANK[who] >= _NEEDED[least] else "forbidden"


RULES: dict[str, Rule] = {
    # Accounts
    "auth_register": Rule("anybody"),
    "auth_log_in": Rule("anybody"),
    "auth_refresh": Rule("anybody"),
    "auth_log_out": Rule("person"),
    "auth_password_change": Rule("person"),
    "sessions_list": Rule("person"),
    "sessions_end_others": Rule("person"),
    "sessions_end": Rule("person"),
    "users_me_get": Rule("person", ANY),
    "users_me_update": Rule("person"),
    "blocks_list": Rule("person"),
    "blocks_add": Rule("person"),
    "blocks_remove": Rule("person"),
    "users_list": Rule("person", ANY),
    "users_get": Rule("person", ANY),
    # Bots: each person's own
    **dict.fromkeys(
        (
            "bots_list",
            "bots_create",
            "bots_get",
            "bots_update",
            "bots_delete",
            "bots_tokens_list",
            "bots_tokens_create",
            "bots_tokens_revoke",
        ),
        Rule("person"),
    ),
    # Rooms
    "rooms_list": Rule("person", ROOMS_READ),
    "rooms_create": Rule("person", ROOMS_WRITE),
    "rooms_get": Rule("member", ROOMS_READ),
    "rooms_update": Rule("admin", ROOMS_WRITE),
    "rooms_delete": Rule("owner", ROOMS_WRITE),
    "rooms_public": Rule("person", ROOMS_READ),
    "rooms_me_update": Rule("member", ROOMS_WRITE),
    "rooms_direct": Rule("person", ROOMS_WRITE),
    "rooms_join": Rule(
        "member", ROOMS_WRITE, {"stranger public": "ok", "removed public": "ok", "banned public": "banned"}
    ),
    "rooms_leave": Rule("member", ROOMS_WRITE, {"owner": "last_owner", "direct": "forbidden"}),
    "rooms_read": Rule("member", MESSAGES_READ),
    "members_list": Rule("member", ROOMS_READ),
    "members_add": Rule("admin", ROOMS_WRITE),
    "members_get": Rule("member", ROOMS_READ),
    "members_update": Rule("admin", ROOMS_WRITE),
    "members_remove": Rule("admin", ROOMS_WRITE),
    "bans_list": Rule("admin", ROOMS_READ),
    "bans_put": Rule("admin", ROOMS_WRITE),
    "bans_lift": Rule("admin", ROOMS_WRITE),
    # Messages
    "events_list": Rule("member", MESSAGES_READ),
    "messages_list": Rule("member", MESSAGES_READ),
    "messages_send": Rule("member", MESSAGES_WRITE, {"muted": "muted", "blocked": "blocked"}),
    "messages_get": Rule("member", MESSAGES_READ),
    "messages_edit": Rule("member", MESSAGES_WRITE, {"muted": "muted", "blocked": "blocked"}, theirs="none"),
    "messages_delete": Rule("member", MESSAGES_WRITE, theirs="admin"),
    "messages_history": Rule("member", MESSAGES_READ, theirs="admin"),
}
"""By operation id."""

COMMANDS: dict[str, Rule] = {
    "ping": Rule("anybody"),
    "auth": Rule("anybody"),
    "subscribe": Rule("member", MESSAGES_READ),
    "unsubscribe": Rule("person", MESSAGES_READ),
    "read": Rule("member", MESSAGES_READ),
    "message.send": Rule("member", MESSAGES_WRITE, {"muted": "muted", "blocked": "blocked"}),
    "message.edit": Rule("member", MESSAGES_WRITE, {"muted": "muted", "blocked": "blocked"}, theirs="none"),
    "message.delete": Rule("member", MESSAGES_WRITE, theirs="admin"),
    "typing": Rule("member", MESSAGES_WRITE, {"muted": "muted", "blocked": "blocked"}),
    "signal": Rule("member", MESSAGES_WRITE, {"muted": "muted", "blocked": "blocked"}),
}
"""By the type of the client's frame."""
