"""What the document shows of people and their sessions."""

from typing import Any

from common import examples

ACCESS = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0b2tlbl90eXBlIjoiYWNjZXNzIn0.c2lnbmF0dXJl"
REFRESH = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0b2tlbl90eXBlIjoicmVmcmVzaCJ9.c2lnbmF0dXJl"
PASSWORD = "correct horse battery staple"  # noqa: S105  as an example
ADA: dict[str, Any] = examples.ADA | {"bio": "Writes programs for machines that do not exist yet."}
BOB: dict[str, Any] = examples.BOB | {"bio": ""}
ADA_HERSELF: dict[str, Any] = ADA | {"email": "ada@example.com", "created_at": "2026-11-23T09:15:02.318114Z"}
SESSION: dict[str, Any] = {
    "id": "019aa5e2-7d4f-7c02-b5d8-91c4be7701a3",
    "device": "Ada's phone",
    "created_at": "2026-11-23T09:15:02.318114Z",
    "last_seen_at": "2026-11-23T09:15:02.318114Z",
    "current": True,
}
OTHER_SESSION: dict[str, Any] = SESSION | {
    "id": "019aa46b-02a9-7d61-8f0e-5b7a3c9e1d42",
    "device": "The office",
    "created_at": "2026-11-23T02:25:11.401002Z",
    "last_seen_at": "2026-11-23T09:05:40.018250Z",
    "current": False,
}
OPENED: dict[str, Any] = {"access": ACCESS, "refresh": REFRESH, "user": ADA_HERSELF, "session": SESSION}
PAIR: dict[str, Any] = {"access": ACCESS, "refresh": REFRESH}
