"""One report out of every shape and spelling that Webex uses."""

import base64
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.webex.report import (
    Phase,
    ReportMissing,
    ReportUnreadable,
    is_known_status,
    is_report_id,
    looks_like_report_id,
    phase_of,
    read_details,
    read_list,
)
from bot.webex.report_families import Family

NOW = datetime(2024, 3, 24, 18, 0, tzinfo=UTC)
ID = "Y2lzY29zcGFyazovL3VzL1JFUE9SVC9hZDBkMjA1NzVkYTA0NWE0OGZhZDQ3ZDk3NGFiNDFmMg"
TEAM_ID = "Y2lzY29zcGFyazovL3VybjpURUFNOnVzLWVhc3QtMV9pbnQxMy9SRVBPUlQvYWQwZDIwNTc1ZGEwNDVhNDhmYWQ0N2Q5NzRhYjQxZjI"
LINK = "https://reportdownload-a.webex.com/api?reportId=x&signature=hush"

PARTNER = {
    "reportId": ID,
    "templateId": 5,
    "title": "Calling Usage",
    "service": "Teams",
    "startDate": "2024-02-23",
    "endDate": "2024-03-24",
    "regionId": "US",
    "createdTime": "2024-03-24 17:13:39",
    "status": "done",
    "fileName": "Calling Usage.csv",
    "fileSize": "2048",
    "checksum": "12345",
    "downloadURL": LINK,
    "downloadUrlExpiryTime": "3600",
}
ORGANIZATION = {
    "Id": ID,
    "title": "Bots Activity",
    "service": "Teams",
    "startDate": "2024-02-23",
    "endDate": "2024-03-24",
    "siteList": "acme.webex.com, acme-eu.webex.com",
    "created": "2024-03-24 17:13:39",
    "createdBy": "ada",
    "scheduleFrom": "api",
    "status": "In progress",
    "downloadURL": LINK,
}


def test_partner_details_are_read_whole():
    report = read_details(PARTNER, Family.PARTNER, NOW)
    assert (report.id, report.family, report.title, report.service) == (ID, Family.PARTNER, "Calling Usage", "Teams")
    assert (report.template_id, report.region) == ("5", "US")
    assert (report.start, report.end) == (date(2024, 2, 23), date(2024, 3, 24))
    assert report.created == datetime(2024, 3, 24, 17, 13, 39, tzinfo=UTC)
    assert (report.file_name, report.file_size, report.checksum) == ("Calling Usage.csv", 2048, "12345")
    assert report.expiry
    assert (report.expiry.seconds, report.expiry.at) == (3600, NOW + timedelta(hours=1))
    assert (report.download_url, report.phase, report.fetched_at) == (LINK, Phase.READY, NOW)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda flat: flat,
        lambda flat: [flat],
        lambda flat: {"items": [flat], "numberOfReports": 1},
        lambda flat: {"items": flat},
        lambda flat: {"Items": [flat]},
    ],
    ids=["flat", "list", "items list", "items object", "Items"],
)
def test_every_wrapping_gives_the_same_report(wrap):
    report = read_details(wrap(ORGANIZATION), Family.ORGANIZATION, NOW)
    assert report == read_details(ORGANIZATION, Family.ORGANIZATION, NOW)
    assert read_list(wrap(ORGANIZATION), Family.ORGANIZATION, NOW) == [report]
    assert report.sites == ("acme.webex.com", "acme-eu.webex.com")
    assert (report.origin, report.created_by, report.phase) == ("api", "ada", Phase.PENDING)
    assert report.expiry is None
    assert report.expiry_raw == ""


@pytest.mark.parametrize(
    ("field", "spellings"),
    [
        ("id", ["id", "Id", "ID", "reportId", "report_id"]),
        ("title", ["title", "reportTitle", "Title"]),
        ("created_raw", ["created", "createdTime"]),
        ("origin", ["scheduleFrom", "scheduledFrom"]),
        ("download_url", ["downloadURL", "downloadUrl", "downloadurl"]),
        ("expiry_raw", ["downloadUrlExpiryTime", "downloadURLExpiryTime", "DownloadUrlExpirytime"]),
    ],
)
def test_every_spelling_of_a_field_is_read(field, spellings):
    for spelling in spellings:
        entry = {"id": ID, spelling: ID if field == "id" else "3600"} if field != "id" else {spelling: ID}
        assert getattr(read_details(entry, Family.PARTNER, NOW), field) == (ID if field == "id" else "3600")


def test_an_empty_field_does_not_hide_the_other_spelling():
    report = read_details({"id": "", "Id": ID, "title": None, "reportTitle": "Hosts"}, Family.PARTNER, NOW)
    assert (report.id, report.title) == (ID, "Hosts")


def test_numbers_and_texts_may_change_places():
    report = read_details(
        {"id": 42, "templateId": 10.0, "title": 7, "fileSize": 12.0, "checksum": 12345, "downloadUrlExpiryTime": 3600},
        Family.PARTNER,
        NOW,
    )
    assert (report.id, report.template_id, report.title) == ("42", "10", "7")
    assert (report.file_size, report.checksum) == (12, "12345")
    assert report.expiry
    assert report.expiry.seconds == 3600


@pytest.mark.parametrize("value", [0, "0", "", None, -5, "many", True, [1], {"n": 1}, 10**400])
def test_a_size_that_says_nothing_is_unknown(value):
    assert read_details({"id": ID, "fileSize": value}, Family.PARTNER, NOW).file_size is None


def test_sites_may_be_a_list_a_text_or_nothing():
    for value, sites in [
        (["a.webex.com", "", 5], ("a.webex.com", "5")),
        ("a,b", ("a", "b")),
        ("", ()),
        (None, ()),
        (7, ()),
    ]:
        assert read_details({"id": ID, "siteList": value}, Family.ORGANIZATION, NOW).sites == sites


def test_an_unreadable_date_is_kept_as_text():
    report = read_details(
        {"id": ID, "startDate": "last week", "endDate": "soon", "created": "long ago"}, Family.PARTNER, NOW
    )
    assert (report.start, report.end, report.created) == (None, None, None)
    assert (report.start_raw, report.end_raw, report.created_raw) == ("last week", "soon", "long ago")


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        ("done", Phase.READY),
        ("Done", Phase.READY),
        (" DONE ", Phase.READY),
        ("failed", Phase.FAILED),
        ("FAILED", Phase.FAILED),
        ("In progress", Phase.PENDING),
        ("waiting", Phase.PENDING),
        ("manual_processing", Phase.PENDING),
        ("undone", Phase.PENDING),
        ("not ready", Phase.PENDING),
        ("", Phase.PENDING),
        ("7", Phase.PENDING),
        ("完了", Phase.PENDING),
        *(
            (word, Phase.READY)
            for word in ["completed", "complete", "finished", "ready", "success", "succeeded", "available"]
        ),
        *((word, Phase.FAILED) for word in ["error", "failure", "aborted", "canceled", "cancelled"]),
    ],
)
def test_a_status_is_read_without_regard_to_case_and_the_unknown_is_pending(status, phase):
    for spelling in (status, status.upper(), status.title(), f" {status}\n", f"{status}."):
        assert phase_of(spelling) is phase


PENDING = "waiting queued pending scheduled submitted started initiated running processing generating"
SPELLED = ["manual_processing", "MANUAL-PROCESSING", "In progress", "in_progress", "InProgress", "DONE", "com-pleted"]


@pytest.mark.parametrize("status", [*PENDING.split(), *SPELLED])
def test_the_known_statuses(status):
    assert is_known_status(status)


@pytest.mark.parametrize("status", ["", "-", "7", "true", "PREPARED", "not done", "完了", "unavailable", "created"])
def test_any_other_status_is_unknown(status):
    assert not is_known_status(status)
    assert phase_of(status) is Phase.PENDING


def test_the_status_is_kept_to_the_letter():
    assert read_details({"id": ID, "status": "Manual_Processing"}, Family.PARTNER, NOW).status == "Manual_Processing"


def test_of_several_entries_the_one_asked_for_is_taken():
    answer = {"items": [{"id": "other", "title": "A"}, {"id": ID, "title": "B"}]}
    assert read_details(answer, Family.ORGANIZATION, NOW, ID).title == "B"


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


OTHER_CLUSTER = encoded("ciscospark://urn:TEAM:us-east-1_int13/REPORT/0123456789abcdef0123456789abcdef")
SAME_REPORT = encoded("ciscospark://us/REPORT/0123456789ABCDEF0123456789abcdef")
NO_SUCH = encoded("ciscospark://us/REPORT/fedcba9876543210fedcba9876543210")


@pytest.mark.parametrize(
    "spelled", [SAME_REPORT, f"{SAME_REPORT}=", "0123456789abcdef0123456789abcdef", 12345, None, "", OTHER_CLUSTER]
)
def test_a_report_has_the_id_that_it_was_asked_for_by(spelled):
    report = read_details({"items": [{"Id": spelled, "status": "done"}]}, Family.PARTNER, NOW, OTHER_CLUSTER)
    assert report.id == OTHER_CLUSTER


@pytest.mark.parametrize(
    "answer",
    [
        {"id": NO_SUCH, "status": "done"},
        {"items": [{"id": NO_SUCH, "status": "done"}, {"id": "12345", "status": "done"}]},
    ],
)
def test_another_report_is_not_taken_for_the_one_asked_for(answer):
    with pytest.raises(ReportMissing):
        read_details(answer, Family.PARTNER, NOW, OTHER_CLUSTER)


def test_an_error_is_no_report_that_leaves_its_id_out():
    with pytest.raises(ReportUnreadable) as caught:
        read_details({"message": "Try again.", "trackingId": "X"}, Family.PARTNER, NOW, OTHER_CLUSTER)
    assert not isinstance(caught.value, ReportMissing)


@pytest.mark.parametrize(
    "answer", [{"items": [{"title": "x"}]}, {"reports": [{"id": ID}]}, [["x"]], {"data": {"a": 1}}]
)
def test_a_list_of_which_nothing_can_be_used_is_not_an_empty_one(answer):
    with pytest.raises(ReportUnreadable):
        read_list(answer, Family.PARTNER, NOW)


@pytest.mark.parametrize("answer", [{"numberOfReports": 0}, {"items": None, "numberOfReports": 0}])
def test_a_list_without_anything_is_empty(answer):
    assert read_list(answer, Family.PARTNER, NOW) == []


@pytest.mark.parametrize("answer", [{}, [], {"items": []}, {"items": {}}, {"items": [], "numberOfReports": 0}])
def test_an_empty_answer_is_a_missing_report(answer):
    with pytest.raises(ReportMissing):
        read_details(answer, Family.PARTNER, NOW)
    assert read_list(answer, Family.PARTNER, NOW) == []


@pytest.mark.parametrize("answer", [None, 5, "report", True, {"items": 5}, {"title": "x"}, [5], {"items": ["x"]}])
def test_an_answer_that_is_no_report_is_unreadable(answer):
    with pytest.raises(ReportUnreadable) as caught:
        read_details(answer, Family.PARTNER, NOW)
    assert not isinstance(caught.value, ReportMissing)


def test_a_list_skips_and_counts_what_has_no_usable_id():
    listing = read_list(
        {"items": [{"id": "good"}, {"title": "none"}, "text", {"id": "a/../b"}, {"Id": ID}]}, Family.PARTNER, NOW
    )
    assert [report.id for report in listing] == ["good", ID]
    assert listing.skipped == 3


def test_the_link_is_not_in_the_repr():
    report = read_details(PARTNER, Family.PARTNER, NOW)
    assert "hush" not in repr(report)
    assert "reportdownload" not in repr(report)


@pytest.mark.parametrize("text", [ID, TEAM_ID, "abc", "a_b-c=", "x" * 512])
def test_safe_texts_can_be_ids(text):
    assert is_report_id(text)


@pytest.mark.parametrize("text", ["", "x" * 513, "a/b", "..", "a b", "a\n", "é", "a?b", "a%2e", "a.b"])
def test_other_texts_cannot_be_ids(text):
    assert not is_report_id(text)
    assert not looks_like_report_id(text)


def test_real_ids_are_recognised_in_their_exact_case_only():
    assert looks_like_report_id(ID)
    assert looks_like_report_id(ID + "==")
    assert looks_like_report_id(TEAM_ID)
    assert not looks_like_report_id(ID.lower())
    assert not looks_like_report_id("templates")
    assert not looks_like_report_id("A")
