"""Webex's identifiers: opaque to a client, yet with a known build that careless code trips over (case, no padding)."""

import base64
import uuid

PEOPLE = "PEOPLE"
ROOM = "ROOM"
MESSAGE = "MESSAGE"
ORGANIZATION = "ORGANIZATION"
WEBHOOK = "WEBHOOK"
MEMBERSHIP = "MEMBERSHIP"
ATTACHMENT_ACTION = "ATTACHMENT_ACTION"
APPLICATION = "APPLICATION"
CONTENT = "CONTENT"
ROLE = "ROLE"

CLUSTER_US = "us"
CLUSTER_TEAM = "urn:TEAM:us-east-1_int13"


def webex_id(kind: str, unique: str, cluster: str = CLUSTER_US) -> str:
    """Unpadded base64 of `ciscospark://<cluster>/<kind>/<unique>`, as every Webex id is."""
    plain = f"ciscospark://{cluster}/{kind}/{unique}"
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def new_id(kind: str) -> str:
    """Return a fresh id of one kind (people, room, message …)."""
    return webex_id(kind, str(uuid.uuid4()))


def new_report_id(cluster: str = CLUSTER_US) -> str:
    """Return a fresh report id: 32 hex digits; the `urn:TEAM:…` cluster is the other form that is seen."""
    return webex_id("REPORT", uuid.uuid4().hex, cluster)


def role_id(name: str) -> str:
    """Return the id of a role known by its name, such as `id_full_admin`."""
    return webex_id(ROLE, name)


def decoded(webex: str) -> str:
    """Return the text inside an id, padded or not; empty for what is no base64 of a text."""
    bare = webex.rstrip("=")
    try:
        return base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4)).decode()
    except ValueError:
        return ""


def plain_part(webex: str) -> str:
    """Return what follows the last slash inside an id: SCIM calls name people and organizations by it."""
    return decoded(webex).rsplit("/", 1)[-1] or webex
