"""Who may act on whom (docs/rest.md: nobody acts on an equal or higher role, but on oneself; FAULTS B17)."""

import pytest

from rooms.models import Membership

RANK = {"member": 0, "admin": 1, "owner": 2}
ROLES = list(RANK)


@pytest.mark.parametrize("given", ROLES)
@pytest.mark.parametrize("actor", ROLES)
def test_a_role_is_given_only_below_ones_own_but_owners_make_owners(people, actor, given):
    room, stranger = people["room"], people["stranger"]
    answer = people[f"{actor}1"].post(f"rooms/{room}/members/", {"user": stranger.id, "role": given})
    if actor == "owner" or RANK[given] < RANK[actor]:
        assert (answer.status, answer.body["role"]) == (201, given)
    else:
        assert (answer.status, answer.code) == (403, "forbidden")
        assert not Membership.objects.filter(user=stranger.user).exists()


@pytest.mark.parametrize("target", ROLES)
@pytest.mark.parametrize("actor", ROLES)
def test_nobody_takes_out_an_equal_or_a_higher_one(people, actor, target):
    room, other = people["room"], people[f"{target}2"]
    answer = people[f"{actor}1"].delete(f"rooms/{room}/members/{other.id}/")
    if RANK[actor] > RANK[target]:
        assert (answer.status, answer.body) == (204, None)
        last = people["owner1"].events(room)[-1]
        assert (last["type"], last["actor"]) == ("member.left", people[f"{actor}1"].id)
        assert last["data"] == {"user": other.id, "reason": "removed"}
        assert other.get(f"rooms/{room}/").code == "not_found"
    else:
        assert (answer.status, answer.code) == (403, "forbidden")
        assert other.get(f"rooms/{room}/").status == 200


@pytest.mark.parametrize("role", ROLES)
def test_taking_out_oneself_is_leaving(people, role):
    me = people[f"{role}1"]
    assert me.delete(f"rooms/{people['room']}/members/{me.id}/").status == 204
    assert people["owner2"].events(people["room"])[-1]["data"] == {"user": me.id, "reason": "left"}


@pytest.mark.parametrize("role", ROLES)
def test_a_stranger_is_told_nothing_of_roles(people, role):
    room, stranger = people["room"], people["stranger"]
    assert stranger.delete(f"rooms/{room}/members/{people[f'{role}1'].id}/").code == "not_found"
    assert stranger.post(f"rooms/{room}/members/", {"user": stranger.id}).code == "not_found"


def test_whoever_is_not_in_it_cannot_be_taken_out(people):
    room = people["room"]
    for id_ in (people["stranger"].id, "x"):
        assert people["owner1"].delete(f"rooms/{room}/members/{id_}/").code == "not_found"
    assert people["owner1"].delete(f"rooms/{room}/members/{people['member1'].id}/").status == 204
    assert people["owner1"].delete(f"rooms/{room}/members/{people['member1'].id}/").code == "not_found"


def test_an_admin_who_is_put_in_again_does_not_climb(people):
    room, admin = people["room"], people["admin1"]
    answer = admin.post(f"rooms/{room}/members/", {"user": admin.id, "role": "owner"})
    assert answer.code == "forbidden"
    answer = people["owner1"].post(f"rooms/{room}/members/", {"user": admin.id, "role": "owner"})
    assert (answer.status, answer.body["role"]) == (200, "admin")
