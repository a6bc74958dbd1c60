"""Who may have a report, and where: every kind of person in every kind of space."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.policy import ADMINISTRATORS, Act, Place, Rules, Verdict, decide
from bot.ports import RolesOf

OURS, PARTNERS, FOREIGN = "org ours", "org partners", "org foreign"
ALLOWED, PRIVATELY, REFUSED = Verdict.ALLOWED, Verdict.PRIVATELY, Verdict.REFUSED

RULES = Rules(our_org=OURS)
WITH_PARTNERS = Rules(our_org=OURS, partner_orgs=frozenset({PARTNERS}))
WITH_NAMED_PARTNER = Rules(our_org=OURS, partner_orgs=frozenset({PARTNERS}), people=frozenset({"ada@acme.example"}))


def person(org: str = OURS, *roles: str, email: str = "ada@acme.example") -> RolesOf:
    return RolesOf("person", org, frozenset({email}), frozenset(roles))


FULL = person(OURS, "Y2lz", "id_full_admin", "Full Administrator")
READ_ONLY = person(OURS, "id_readonly_admin")
NOBODY = person(OURS)
DEVICE_ADMIN = person(OURS, "id_device_admin", "Device administrator")
PARTNER_FULL = person(PARTNERS, "id_full_admin")
FOREIGN_FULL = person(FOREIGN, "id_full_admin")
UNKNOWN = person("", "id_full_admin")

ONE_TO_ONE = Place("room", direct=True)
INSIDE = Place("room", direct=False, member_orgs=frozenset({OURS}))
WITH_PARTNER = Place("room", direct=False, member_orgs=frozenset({OURS, PARTNERS}))
WITH_OUTSIDER = Place("room", direct=False, member_orgs=frozenset({OURS, FOREIGN}))
WITH_UNKNOWN = Place("room", direct=False, member_orgs=frozenset({OURS, ""}))
UNREADABLE = Place("room", direct=False, member_orgs=None)
PLACES = (ONE_TO_ONE, INSIDE, WITH_PARTNER, WITH_OUTSIDER, WITH_UNKNOWN, UNREADABLE)

OPEN_TO_US = (ALLOWED, ALLOWED, PRIVATELY, PRIVATELY, PRIVATELY, PRIVATELY)
OPEN_TO_PARTNERS = (ALLOWED, ALLOWED, ALLOWED, PRIVATELY, PRIVATELY, PRIVATELY)
CLOSED = (REFUSED,) * len(PLACES)

TABLE = [
    # who, rules, may read in each of PLACES, may change in each of PLACES
    ("full administrator", FULL, RULES, OPEN_TO_US, OPEN_TO_US),
    ("read-only administrator", READ_ONLY, RULES, OPEN_TO_US, CLOSED),
    ("somebody without a role", NOBODY, RULES, CLOSED, CLOSED),
    ("administrator of something else", DEVICE_ADMIN, RULES, CLOSED, CLOSED),
    ("administrator of a partner that nobody named", PARTNER_FULL, RULES, CLOSED, CLOSED),
    ("administrator of another organisation", FOREIGN_FULL, RULES, CLOSED, CLOSED),
    ("somebody whose organisation is unknown", UNKNOWN, RULES, CLOSED, CLOSED),
    ("full administrator, partner named", FULL, WITH_PARTNERS, OPEN_TO_PARTNERS, OPEN_TO_PARTNERS),
    # ALLOWED_ORGS lets people be in the space; to ask, somebody of a partner must be named besides.
    ("administrator of the partner, not named", PARTNER_FULL, WITH_PARTNERS, CLOSED, CLOSED),
    ("administrator of the partner, named", PARTNER_FULL, WITH_NAMED_PARTNER, OPEN_TO_PARTNERS, OPEN_TO_PARTNERS),
    ("administrator of another organisation, partner named", FOREIGN_FULL, WITH_PARTNERS, CLOSED, CLOSED),
]


@pytest.mark.parametrize(("who", "rules", "read", "change"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_everybody_everywhere(
    who: RolesOf, rules: Rules, read: tuple[Verdict, ...], change: tuple[Verdict, ...]
) -> None:
    assert tuple(decide(who, Act.READ, place, rules).verdict for place in PLACES) == read
    assert tuple(decide(who, Act.CHANGE, place, rules).verdict for place in PLACES) == change


@pytest.mark.parametrize(
    ("rules", "who", "place", "act", "verdict"),
    [
        (Rules(OURS, people=frozenset({"ada@acme.example"})), NOBODY, INSIDE, Act.READ, ALLOWED),
        (Rules(OURS, people=frozenset({"ada@acme.example"})), NOBODY, INSIDE, Act.CHANGE, ALLOWED),
        (
            Rules(OURS, people=frozenset({"ada@acme.example"})),
            person(OURS, email="Ada@ACME.example"),
            INSIDE,
            Act.READ,
            ALLOWED,
        ),
        (Rules(OURS, people=frozenset({"ada@acme.example"})), person(FOREIGN), ONE_TO_ONE, Act.READ, REFUSED),
        (Rules(OURS, roles=frozenset({"id_device_admin"})), DEVICE_ADMIN, INSIDE, Act.READ, ALLOWED),
        (Rules(OURS, roles=frozenset({"id_device_admin"})), FULL, INSIDE, Act.READ, REFUSED),
        (Rules(OURS, spaces=frozenset({"room"})), FULL, INSIDE, Act.READ, ALLOWED),
        (Rules(OURS, spaces=frozenset({"another"})), FULL, INSIDE, Act.READ, REFUSED),
        (Rules(OURS, spaces=frozenset({"another"})), FULL, ONE_TO_ONE, Act.READ, ALLOWED),
        (Rules(OURS, spaces=frozenset({"room"})), FULL, WITH_OUTSIDER, Act.READ, PRIVATELY),
        (Rules("", partner_orgs=frozenset({""})), UNKNOWN, ONE_TO_ONE, Act.READ, REFUSED),
    ],
)
def test_the_operator_s_settings(rules: Rules, who: RolesOf, place: Place, act: Act, verdict: Verdict) -> None:
    assert decide(who, act, place, rules).verdict is verdict


ORGS = st.sampled_from(["", OURS, PARTNERS, FOREIGN, "org other"])
ROLES = st.frozensets(st.sampled_from([*sorted(ADMINISTRATORS), "id_device_admin", "ID_FULL_ADMIN"]))
ADDRESSES = st.frozensets(st.sampled_from(["ada@acme.example", "eve@evil.example"]))
RULES_OF_ANY_KIND = st.builds(
    Rules,
    our_org=st.just(OURS),
    roles=ROLES,
    people=ADDRESSES,
    spaces=st.none() | st.frozensets(st.sampled_from(["room", "other"])),
    partner_orgs=st.frozensets(st.sampled_from([PARTNERS, "org other"])),
)
ANYBODY = st.builds(RolesOf, person_id=st.just("p"), org_id=ORGS, emails=ADDRESSES, roles=ROLES)
ANYWHERE = st.builds(
    Place, room_id=st.sampled_from([None, "room"]), direct=st.booleans(), member_orgs=st.none() | st.frozensets(ORGS)
)


@given(ANYBODY, st.sampled_from(Act), ANYWHERE, RULES_OF_ANY_KIND)
def test_nobody_from_outside_is_ever_allowed_and_no_space_with_an_outsider(
    who: RolesOf, act: Act, place: Place, rules: Rules
) -> None:
    inside = {OURS} | rules.partner_orgs
    decision = decide(who, act, place, rules)
    if who.org_id not in inside:
        assert decision.verdict is REFUSED
    if decision.verdict is ALLOWED and not place.direct:
        assert place.member_orgs is not None
        assert place.member_orgs <= inside
        assert rules.spaces is None or place.room_id in rules.spaces
    if decision.verdict is not ALLOWED:
        assert decision.reason
        assert decision.sentence.endswith(".")


@given(ANYBODY, ANYWHERE, RULES_OF_ANY_KIND)
def test_who_may_change_may_also_read(who: RolesOf, place: Place, rules: Rules) -> None:
    if decide(who, Act.CHANGE, place, rules).verdict is not REFUSED:
        assert decide(who, Act.READ, place, rules) == decide(who, Act.CHANGE, place, rules)
