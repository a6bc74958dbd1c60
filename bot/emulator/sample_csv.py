"""Realistic CSV of several report kinds, generated line by line and the same at every request."""

import csv
import io
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

Rows = Iterator[Sequence[object]]

BOM = b"\xef\xbb\xbf"
LINES_A_PIECE = 200
FIRST_NAMES = ("Maya", "Liam", "Noor", "Jonas", "Aiko", "Tomás", "Priya", "Elena", "Kwame", "Sofia", "Henrik", "Zoë")
LAST_NAMES = ("Okafor", "Meier", "Tanaka", "García", "Larsen", "Shah", "Novak", "Rossi", "Haddad", "Dubois", "Kim")
TOPICS = ("Weekly sync", "Design review", "Customer call", "Quarterly numbers", "Interview", "Onboarding", "Stand-up")
LOCATIONS = ("San Jose", "Austin", "Raleigh", "Chicago", "Boston")
CLIENTS = ("WXC_CLIENT", "WXC_DEVICE", "TEAMS_WXC_CLIENT", "WXC_SIP_GW")
PLATFORMS = ("Windows", "macOS", "iOS", "Android", "Linux")


def _columns(*names: str) -> list[str]:
    return [name for part in names for name in part.split(",")]


MEETING_DETAILS = _columns(
    "MEETING_NUMBER,MEETING_NAME,CONFERENCE_ID,MEETING_TYPE,HOST_NAME,HOST_USERID,HOSTEMAIL,START_TIME,END_TIME",
    "DURATION,TOTAL_ATTENDEE,PEOPLE_MINS,IS_VOIP,IS_SHARING,IS_RECORD,VIDEO_USERS,VIDEO_MINS,AUDIO_ONLY (PCN)",
)
CALL_HISTORY = _columns(
    "Start time,Answer time,Duration,Calling number,Called number,User,Calling line ID,Called line ID,Correlation ID",
    "Location,Inbound trunk,Outbound trunk,Route group,Direction,Call type,Client type,Client version,Report time",
)
ACTIVE_HOSTS = _columns(
    "RANK,HOST_NAME,HOST_EMAIL,DEPARTMENT,TOTAL_MEETINGS,TOTAL_ATTENDEES,TOTAL_MINUTES,LAST_MEETING"
)
LICENSES = _columns("DATE,LICENSE_NAME,SUBSCRIPTION_ID,PURCHASED,ASSIGNED,USED,AVAILABLE,SITE_URL")
APP_VERSION = _columns("USER_ID,NAME,EMAIL,APP_VERSION,PLATFORM,OS_VERSION,LAST_KNOWN_DATE")


class Chance:
    """Seeded dice with the few throws that the kinds share."""

    def __init__(self, seed: str, first_day: date, days: int) -> None:
        self.dice = random.Random(seed)
        self.first_day = first_day
        self.days = days

    def person(self) -> tuple[str, str]:
        """(name, address)."""
        first, last = self.dice.choice(FIRST_NAMES), self.dice.choice(LAST_NAMES)
        return f"{first} {last}", f"{first.lower()}.{last.lower()}@acme.example"

    def moment(self) -> datetime:
        """Some working hour of the period."""
        day = self.first_day + timedelta(days=self.dice.randrange(self.days))
        return datetime(
            day.year, day.month, day.day, self.dice.randrange(7, 19), self.dice.randrange(60), tzinfo=UTC
        ) + timedelta(seconds=self.dice.randrange(60))

    def number(self) -> str:
        """Return a telephone number that nobody has."""
        return f"+1408555{self.dice.randrange(10_000):04d}"


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def _meetings(chance: Chance, rows: int) -> Rows:
    dice = chance.dice
    for number in range(rows):
        name, mail = chance.person()
        start, minutes, people = chance.moment(), dice.randrange(5, 120), dice.randrange(1, 40)
        video = dice.randrange(people + 1)
        yield (
            26_500_000_000 + dice.randrange(10**8),
            f"{dice.choice(TOPICS)}, {name.split()[0]}",  # a comma inside a field, as real names have
            225_000_000_000_000 + number,
            dice.choice(("PRO", "EVENT", "NA")),
            name,
            dice.randrange(10**6, 10**7),
            mail,
            _stamp(start),
            _stamp(start + timedelta(minutes=minutes)),
            minutes,
            people,
            minutes * people,
            dice.choice("YN"),
            dice.choice("YN"),
            dice.choice("YN"),
            video,
            video * minutes,
            people - video,
        )


def _calls(chance: Chance, rows: int) -> Rows:
    dice = chance.dice
    for _ in range(rows):
        name, _mail = chance.person()
        start, seconds, inward = chance.moment(), dice.randrange(2400), dice.choice((True, False))
        caller, called = chance.number(), chance.number()
        yield (
            start.isoformat(timespec="milliseconds"),
            (start + timedelta(seconds=9)).isoformat(timespec="milliseconds") if seconds else "NA",
            seconds,
            caller,
            called,
            name,
            name if not inward else "NA",
            name if inward else "NA",
            f"{dice.getrandbits(128):032x}",
            dice.choice(LOCATIONS),
            "Trunk-West" if inward else "NA",
            "NA" if inward else "Trunk-East",
            "NA",
            "TERMINATING" if inward else "ORIGINATING",
            dice.choice(("SIP_INBOUND", "SIP_NATIONAL", "SIP_ENTERPRISE")),
            dice.choice(CLIENTS),
            f"45.{dice.randrange(1, 12)}.0",
            (start + timedelta(minutes=5)).isoformat(timespec="milliseconds"),
        )


def _hosts(chance: Chance, rows: int) -> Rows:
    dice, meetings = chance.dice, 4 * rows
    for rank in range(1, rows + 1):
        name, mail = chance.person()
        meetings = max(1, meetings - dice.randrange(5))
        people = meetings * dice.randrange(2, 9)
        department = dice.choice(("Sales", "Engineering", "Finance", "NA"))
        yield rank, name, mail, department, meetings, people, people * 31, _stamp(chance.moment())


def _licenses(chance: Chance, rows: int) -> Rows:
    names = ("Webex Meetings", "Webex Calling Professional", "Webex Messaging", "Webex Webinars 500")
    for number in range(rows):
        day = chance.first_day + timedelta(days=number // len(names) % chance.days)
        bought = 250 * (1 + number % len(names))
        given = chance.dice.randrange(bought // 2, bought)
        used = chance.dice.randrange(given)
        yield day, names[number % len(names)], "Sub104271", bought, given, used, bought - given, "acme.webex.com"


def _versions(chance: Chance, rows: int) -> Rows:
    dice = chance.dice
    for _ in range(rows):
        name, mail = chance.person()
        version = f"45.{dice.randrange(1, 12)}.0.{dice.randrange(30000, 33000)}"
        platform = dice.choice(PLATFORMS)
        seen = chance.moment().date()
        yield f"{dice.getrandbits(64):016x}", name, mail, version, platform, dice.randrange(10, 18), seen


KINDS: dict[str, tuple[Sequence[str], Callable[[Chance, int], Rows]]] = {
    "meeting details": (MEETING_DETAILS, _meetings),
    "call history": (CALL_HISTORY, _calls),
    "active hosts": (ACTIVE_HOSTS, _hosts),
    "license consumption": (LICENSES, _licenses),
    "app version": (APP_VERSION, _versions),
}


def sample(kind: str, rows: int, first_day: date, days: int = 31) -> Callable[[], Iterator[bytes]]:
    """Return a function that makes the CSV of one kind (a key of `KINDS`) in pieces: BOM, header, and so many rows."""
    header, make = KINDS[kind]

    def pieces() -> Iterator[bytes]:
        yield BOM
        buffer = io.StringIO()
        writer = csv.writer(buffer)
        writer.writerow(header)
        for number, row in enumerate(make(Chance(kind, first_day, days), rows), start=1):
            writer.writerow(row)
            if number % LINES_A_PIECE == 0:
                yield buffer.getvalue().encode()
                buffer.seek(0)
                buffer.truncate()
        yield buffer.getvalue().encode()

    return pieces
