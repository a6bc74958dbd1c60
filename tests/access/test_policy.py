"""Who may have a report, and where: every kind of person in every kind of space."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.access.policy import (
    Action,
    Rules,
    SpaceInfo,
    Verdict,
    decide,
    families_for,
    may_be_partner_role,
)
from bot.webex import report_families
from bot.webex.report_families import Family
from bot.webex.types import Role, RolesOf

PARTNER, ORGANIZATION = Family.PARTNER.value, Family.ORGANIZATION.value
WEBEX_ROLES = tuple(role for family in report_families.FAMILIES.values() for role in family.roles)

OURS, PARTNERS, FOREIGN = "org ours", "org partners", "org foreign"
ALLOWED, DIRECT_ONLY, REFUSED = Verdict.ALLOWED, Verdict.DIRECT_ONLY, Verdict.REFUSED

RULES = Rules(our_org=OURS)
WITH_PARTNERS = Rules(our_org=OURS, partner_orgs=frozenset({PARTNERS}))
WITH_NAMED_PARTNER = Rules(our_org=OURS, partner_orgs=frozenset({PARTNERS}), people=frozenset({"ada@acme.example"}))


def person(org: str = OURS, *roles: str | Role, email: str = "ada@acme.example") -> RolesOf:
    held = frozenset(role if isinstance(role, Role) else Role(role) for role in roles)
    return RolesOf("person", org, frozenset({email}), held)


def named(name: str, role_id: str = "6d2d6bd3-7e10") -> Role:
    """Return a role as Webex's partner roles are: only its name says what it is."""
    return Role(role_id, name)


FULL = person(OURS, Role("Y2lz", "Full Administrator"))
READ_ONLY = person(OURS, "id_readonly_admin")
NOBODY = person(OURS)
DEVICE_ADMIN = person(OURS, Role("id_device_admin", "Device administrator"))
PARTNER_FULL = person(PARTNERS, "id_full_admin")
FOREIGN_FULL = person(FOREIGN, "id_full_admin")
UNKNOWN = person("", "id_full_admin")

ONE_TO_ONE = SpaceInfo("room", direct=True)
INSIDE = SpaceInfo("room", direct=False, member_orgs=frozenset({OURS}))
WITH_PARTNER = SpaceInfo("room", direct=False, member_orgs=frozenset({OURS, PARTNERS}))
WITH_OUTSIDER = SpaceInfo("room", direct=False, member_orgs=frozenset({OURS, FOREIGN}))
WITH_UNKNOWN = SpaceInfo("room", direct=False, member_orgs=frozenset({OURS, ""}))
UNREADABLE = SpaceInfo("room", direct=False, member_orgs=None)
PLACES = (ONE_TO_ONE, INSIDE, WITH_PARTNER, WITH_OUTSIDER, WITH_UNKNOWN, UNREADABLE)

OPEN_TO_US = (ALLOWED, ALLOWED, DIRECT_ONLY, DIRECT_ONLY, DIRECT_ONLY, DIRECT_ONLY)
OPEN_TO_PARTNERS = (ALLOWED, ALLOWED, ALLOWED, DIRECT_ONLY, DIRECT_ONLY, DIRECT_ONLY)
CLOSED = (REFUSED,) * len(PLACES)

TABLE = [
    # who, rules, may read in each of PLACES, may change in each of PLACES
    ("full administrator", FULL, RULES, OPEN_TO_US, OPEN_TO_US),
    ("read-only administrator", READ_ONLY, RULES, OPEN_TO_US, CLOSED),
    ("somebody without a role", NOBODY, RULES, CLOSED, CLOSED),
    ("administrator of something else", DEVICE_ADMIN, RULES, CLOSED, CLOSED),
    ("administrator of a partner that nobody named", PARTNER_FULL, RULES, CLOSED, CLOSED),
    ("administrator of another organization", FOREIGN_FULL, RULES, CLOSED, CLOSED),
    ("somebody whose organization is unknown", UNKNOWN, RULES, CLOSED, CLOSED),
    ("full administrator, partner named", FULL, WITH_PARTNERS, OPEN_TO_PARTNERS, OPEN_TO_PARTNERS),
    # ALLOWED_ORGS lets people be in the space; to ask, someone of a partner must be named besides.
    ("administrator of the partner, not named", PARTNER_FULL, WITH_PARTNERS, CLOSED, CLOSED),
    ("administrator of the partner, named", PARTNER_FULL, WITH_NAMED_PARTNER, OPEN_TO_PARTNERS, OPEN_TO_PARTNERS),
    ("administrator of another organization, partner named", FOREIGN_FULL, WITH_PARTNERS, CLOSED, CLOSED),
]


@pytest.mark.parametrize(("who", "rules", "read", "change"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_everybody_everywhere(
    who: RolesOf, rules: Rules, read: tuple[Verdict, ...], change: tuple[Verdict, ...]
) -> None:
    assert tuple(decide(who, Action.READ, place, rules).verdict for place in PLACES) == read
    assert tuple(decide(who, Action.CHANGE, place, rules).verdict for place in PLACES) == change


@pytest.mark.parametrize(
    ("rules", "who", "place", "act", "verdict"),
    [
        (Rules(OURS, people=frozenset({"ada@acme.example"})), NOBODY, INSIDE, Action.READ, ALLOWED),
        (Rules(OURS, people=frozenset({"ada@acme.example"})), NOBODY, INSIDE, Action.CHANGE, ALLOWED),
        (
            Rules(OURS, people=frozenset({"ada@acme.example"})),
            person(OURS, email="Ada@ACME.example"),
            INSIDE,
            Action.READ,
            ALLOWED,
        ),
        (Rules(OURS, people=frozenset({"ada@acme.example"})), person(FOREIGN), ONE_TO_ONE, Action.READ, REFUSED),
        (Rules(OURS, roles=("id_device_admin",)), DEVICE_ADMIN, INSIDE, Action.READ, ALLOWED),
        (Rules(OURS, roles=("device-ADMINISTRATOR",)), DEVICE_ADMIN, INSIDE, Action.READ, ALLOWED),
        (Rules(OURS, roles=("id_device_admin",)), FULL, INSIDE, Action.READ, REFUSED),
        (Rules(OURS, spaces=frozenset({"room"})), FULL, INSIDE, Action.READ, ALLOWED),
        (Rules(OURS, spaces=frozenset({"another"})), FULL, INSIDE, Action.READ, REFUSED),
        (Rules(OURS, spaces=frozenset({"another"})), FULL, ONE_TO_ONE, Action.READ, ALLOWED),
        (Rules(OURS, spaces=frozenset({"room"})), FULL, WITH_OUTSIDER, Action.READ, DIRECT_ONLY),
        (Rules("", partner_orgs=frozenset({""})), UNKNOWN, ONE_TO_ONE, Action.READ, REFUSED),
    ],
)
def test_the_operator_s_settings(rules: Rules, who: RolesOf, place: SpaceInfo, act: Action, verdict: Verdict) -> None:
    assert decide(who, act, place, rules).verdict is verdict


ORGS = st.sampled_from(["", OURS, PARTNERS, FOREIGN, "org other"])
ROLES = st.frozensets(
    st.sampled_from(
        [
            *map(named, (*WEBEX_ROLES, "Partner Administrator")),
            *map(Role, ("id_full_admin", "id_device_admin", "ID_READONLY_ADMIN")),
        ]
    )
)
NAMES = st.lists(st.sampled_from([*WEBEX_ROLES, "id_device_admin"]), max_size=3).map(tuple)
ADDRESSES = st.frozensets(st.sampled_from(["ada@acme.example", "eve@evil.example"]))
RULES_OF_ANY_KIND = st.builds(
    Rules,
    our_org=st.just(OURS),
    roles=NAMES,
    partner_roles=NAMES,
    people=ADDRESSES,
    spaces=st.none() | st.frozensets(st.sampled_from(["room", "other"])),
    partner_orgs=st.frozensets(st.sampled_from([PARTNERS, "org other"])),
)
ANYBODY = st.builds(RolesOf, person_id=st.just("p"), org_id=ORGS, emails=ADDRESSES, roles=ROLES)
ANYWHERE = st.builds(
    SpaceInfo,
    room_id=st.sampled_from([None, "room"]),
    direct=st.booleans(),
    member_orgs=st.none() | st.frozensets(ORGS),
)


@given(ANYBODY, st.sampled_from(Action), ANYWHERE, RULES_OF_ANY_KIND)
def test_nobody_from_outside_is_ever_allowed_and_no_space_with_an_outsider(
    who: RolesOf, act: Action, place: SpaceInfo, rules: Rules
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
def test_who_may_change_may_also_read(who: RolesOf, place: SpaceInfo, rules: Rules) -> None:
    change, read = decide(who, Action.CHANGE, place, rules), decide(who, Action.READ, place, rules)
    if change.verdict is not REFUSED:
        assert read.verdict is change.verdict
        assert set(change.families) <= set(read.families)


NONE: tuple[str, ...] = ()
BOTH = (PARTNER, ORGANIZATION)
FAMILIES = [
    # the role, the families that it may read, those that it may change
    (Role("id_full_admin"), (ORGANIZATION,), (ORGANIZATION,)),
    (named("Full Administrator"), (ORGANIZATION,), (ORGANIZATION,)),
    (Role("id_readonly_admin"), (ORGANIZATION,), NONE),
    (named("Read-only Administrator"), (ORGANIZATION,), NONE),
    (named("Read only administrator"), (ORGANIZATION,), NONE),
    (named("Partner Full Administrator"), (PARTNER,), (PARTNER,)),
    (named("partner full admin"), (PARTNER,), (PARTNER,)),
    (named("Partner Read-only Administrator"), (PARTNER,), NONE),
    (named("Partner Readonly Admin"), (PARTNER,), NONE),
    (named("PARTNER READ ONLY ADMINISTRATOR"), (PARTNER,), NONE),
    (named("Partner Administrator"), NONE, NONE),
    (named("Partner Admin"), NONE, NONE),
    (named("Sales Full Administrator", "atlas-portal.partner.salesadmin"), NONE, NONE),
    (named("Help Desk Administrator", "atlas-portal.partner.helpdesk"), NONE, NONE),
    (named("Partner Help Desk Full Administrator"), NONE, NONE),
    (Role("atlas-portal.partner.orgadmin"), NONE, NONE),
    (named("User Administrator"), NONE, NONE),
    (named(""), NONE, NONE),
]


@pytest.mark.parametrize(("role", "read", "change"), FAMILIES, ids=[row[0].name or row[0].id for row in FAMILIES])
def test_each_role_opens_its_own_family_and_no_other(
    role: Role, read: tuple[str, ...], change: tuple[str, ...]
) -> None:
    who = person(OURS, role)
    assert (families_for(who, Action.READ, RULES), families_for(who, Action.CHANGE, RULES)) == (read, change)
    for family in BOTH:
        verdict = decide(who, Action.READ, ONE_TO_ONE, RULES, family).verdict
        assert verdict is (ALLOWED if family in read else REFUSED)


def test_a_role_of_each_family_opens_both_in_the_order_of_the_settings() -> None:
    who = person(OURS, "id_full_admin", named("Partner Read-only Administrator"))
    assert families_for(who, Action.READ, RULES) == BOTH
    assert families_for(who, Action.CHANGE, RULES) == (ORGANIZATION,)
    assert families_for(who, Action.AUDIT, RULES) == BOTH
    assert families_for(who, Action.READ, Rules(OURS, families=(ORGANIZATION,))) == (ORGANIZATION,)


def test_who_is_allowed_by_address_may_have_both_families_but_no_audit() -> None:
    rules = Rules(OURS, people=frozenset({"ada@acme.example"}))
    assert families_for(NOBODY, Action.READ, rules) == BOTH
    assert families_for(NOBODY, Action.AUDIT, rules) == NONE


def test_the_audit_is_for_full_administrators_of_our_own_organization_and_about_their_families() -> None:
    assert families_for(FULL, Action.AUDIT, RULES) == (ORGANIZATION,)
    assert families_for(person(OURS, named("Partner Full Administrator")), Action.AUDIT, RULES) == (PARTNER,)
    assert families_for(person(OURS, named("Partner Read-only Administrator")), Action.AUDIT, RULES) == NONE
    assert families_for(PARTNER_FULL, Action.AUDIT, WITH_NAMED_PARTNER) == NONE


@pytest.mark.parametrize(
    ("settings", "role", "families"),
    [
        (("Partner Administrator",), named("Partner administrator"), (PARTNER,)),
        (("6D2D6BD3-7e10",), named(""), (PARTNER,)),
        (("Partner Administrator",), named("Partner Full Administrator"), NONE),
        (("Full Administrator",), named("Full Administrator"), BOTH),
    ],
)
def test_the_settings_may_name_the_roles_for_partner_reports(
    settings: tuple[str, ...], role: Role, families: tuple[str, ...]
) -> None:
    assert families_for(person(OURS, role), Action.READ, Rules(OURS, partner_roles=settings)) == families


def test_a_role_that_webex_has_proved_may_read_partner_reports_and_no_more() -> None:
    role = Role("atlas-portal.partner.orgadmin", "Partner Reporting")
    rules = Rules(OURS, proven_partner_role=role.id)
    assert families_for(person(OURS, role), Action.READ, rules) == (PARTNER,)
    assert families_for(person(OURS, role), Action.CHANGE, rules) == NONE
    assert families_for(person(OURS, named("", role_id="")), Action.READ, RULES) == NONE
    set_by_hand = Rules(OURS, partner_roles=("Another Role",), proven_partner_role=role.id)
    assert families_for(person(OURS, role), Action.READ, set_by_hand) == NONE


@pytest.mark.parametrize(
    ("role", "may_be"),
    [
        (Role("atlas-portal.partner.orgadmin"), True),
        (named("Partner Reporting"), True),
        (named("Partner Administrator", "atlas-portal.partner.orgadmin"), False),
        (Role("atlas-portal.partner.admin"), False),
        (Role("atlas-portal.partner.salesadmin"), False),
        (Role("atlas-portal.partner.helpdesk"), False),
        (named("Full Administrator"), False),
    ],
)
def test_weaker_partner_roles_are_never_taken_for_a_proof(role: Role, may_be: bool) -> None:
    assert may_be_partner_role(role) is may_be
