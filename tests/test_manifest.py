"""The manifest: what is wanted, the difference to what there is, and that nobody else's webhooks are touched."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import manifest
from bot.errors import WebexError
from bot.manifest import Change, Existing, Failure, Kind, ManifestUnreadable, Wanted
from bot.webex.report_families import FAMILIES
from bot.webex.webhooks import BotWebhooks

TARGET = "https://bot.example.com/webhooks/webex"
SECRET = "webhook-secret-0123456789"
WANTED = manifest.read()
FIRST = WANTED.webhooks[0]


class Webex(BotWebhooks):
    """A fake with state: keeps webhooks, refuses the unknown and the same twice, can hide secrets and be down."""

    def __init__(self, hooks: list[Existing], *, shows_secrets: bool = True) -> None:
        self.hooks = {hook.id: hook for hook in hooks}
        self.shows_secrets = shows_secrets
        self.broken: set[Kind] = set()
        self.refuses: dict[str, int] = {}
        self.calls = 0

    def all(self) -> list[Existing]:
        return [hook if self.shows_secrets else replace(hook, secret=None) for hook in self.hooks.values()]

    def _call(self, kind: Kind) -> None:
        self.calls += 1
        if kind in self.broken:
            raise WebexError("webhooks", 503)

    def create(self, wanted: Wanted, target_url: str, secret: str) -> None:
        self._call(Kind.CREATE)
        if wanted.name in self.refuses:
            raise WebexError("POST webhooks", self.refuses[wanted.name])
        made = Existing(
            f"new-{self.calls}", wanted.name, target_url, wanted.resource, wanted.event, wanted.filter, secret=secret
        )
        if any(
            replace(hook, id=made.id, name=made.name, secret=secret, status="active") == made for hook in self.all()
        ):
            raise WebexError("POST webhooks", 409)
        self.hooks[made.id] = made

    def update(self, webhook_id: str, wanted: Wanted, target_url: str, secret: str) -> None:
        self._call(Kind.UPDATE)
        hook = self.hooks[webhook_id]
        changed = replace(hook, name=wanted.name, target_url=target_url, secret=secret, status="active")
        self.hooks[webhook_id] = changed

    def delete(self, webhook_id: str) -> None:
        self._call(Kind.DELETE)
        del self.hooks[webhook_id]


def existing(wanted: Wanted, an_id: str, **changes: str | None) -> Existing:
    found = Existing(an_id, wanted.name, TARGET, wanted.resource, wanted.event, wanted.filter, secret=SECRET)
    return replace(found, **changes)  # type: ignore[arg-type]


def as_wanted() -> list[Existing]:
    return [existing(wanted, f"id-{number}") for number, wanted in enumerate(WANTED.webhooks)]


def plan(hooks: list[Existing]) -> list[Change]:
    return manifest.plan(WANTED, TARGET, SECRET, hooks)


def test_the_manifest_of_this_repository_is_complete():
    events = {(hook.resource, hook.event) for hook in WANTED.webhooks}
    assert events == {("messages", "created"), ("attachmentActions", "created"), ("memberships", "created")}
    assert WANTED.path == "/webhooks/webex"
    assert WANTED.bot_name
    assert {scope.family for scope in WANTED.scopes} == {"", "partner", "organization"}
    named = {(scope.family, scope.scope) for scope in WANTED.scopes}
    for family in FAMILIES.values():
        assert {(family.key.value, one) for one in (*family.scopes, *family.write_scopes)} <= named
    assert all(scope.why and scope.role for scope in WANTED.scopes)
    assert all(hook.name.startswith(WANTED.mark) and hook.why for hook in WANTED.webhooks)


def test_on_an_empty_webex_everything_is_created():
    assert [(change.kind, change.name) for change in plan([])] == [
        (Kind.CREATE, wanted.name) for wanted in WANTED.webhooks
    ]


def test_when_all_is_as_wanted_there_is_nothing_to_do():
    assert plan(as_wanted()) == []


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("target_url", "https://old.example.com/", "targetUrl"),
        ("status", "inactive", "status"),
        ("secret", "another", "secret"),
    ],
)
def test_what_put_can_change_is_updated(field, value, said):
    hooks = as_wanted()
    hooks[0] = replace(hooks[0], **{field: value})
    (change,) = plan(hooks)
    assert (change.kind, change.webhook_id, change.sure) == (Kind.UPDATE, "id-0", True)
    assert said in change.why
    assert value not in change.why


@pytest.mark.parametrize("field", ["resource", "event", "filter"])
def test_what_put_cannot_change_is_deleted_and_made_anew(field):
    hooks = as_wanted()
    hooks[0] = replace(hooks[0], **{field: "other"})
    assert [change.kind for change in plan(hooks)] == [Kind.DELETE, Kind.CREATE]


def test_a_secret_that_webex_does_not_show_is_sent_again_and_the_plan_says_so():
    changes = plan([replace(hook, secret=None) for hook in as_wanted()])
    assert {(change.kind, change.sure) for change in changes} == {(Kind.UPDATE, False)}
    assert all("doesn't show its secret" in change.why for change in changes)


def test_a_second_one_of_ours_is_removed_and_the_better_one_kept():
    duplicates = [existing(FIRST, "a", target_url="https://old.example.com"), existing(FIRST, "b")]
    (change,) = plan([*duplicates, *as_wanted()[1:]])
    assert (change.kind, change.webhook_id, change.why) == (Kind.DELETE, "a", "duplicate")


def test_one_of_ours_that_is_not_wanted_any_more_is_removed():
    old = existing(FIRST, "old", name=f"{WANTED.mark}of an old version")
    (change,) = plan([*as_wanted(), old])
    assert (change.kind, change.webhook_id) == (Kind.DELETE, "old")


def test_webhooks_of_others_are_left_alone_even_if_they_look_alike():
    others = [
        existing(FIRST, "theirs", name="messages"),
        existing(FIRST, "similar", name=WANTED.mark.strip().upper()),
        existing(FIRST, "same address", name=f"my {FIRST.name}"),
    ]
    assert plan([*others, *as_wanted()]) == []


def test_no_change_shows_a_secret():
    hooks = [replace(hook, secret="old-secret-of-theirs") for hook in as_wanted()]
    shown = f"{plan(hooks)!r} {hooks!r}"
    assert "old-secret-of-theirs" not in shown
    assert SECRET not in shown


some_hook = st.builds(
    Existing,
    id=st.uuids().map(str),
    name=st.sampled_from([*(one.name for one in WANTED.webhooks), f"{WANTED.mark}gone", "theirs", ""]),
    target_url=st.sampled_from([TARGET, "https://old.example.com"]),
    resource=st.sampled_from(["messages", "attachmentActions", "memberships", "rooms"]),
    event=st.sampled_from(["created", "migrated"]),
    filter=st.sampled_from(["", "roomType=group"]),
    status=st.sampled_from(["active", "inactive"]),
    secret=st.sampled_from([SECRET, "old", None]),
)


def is_ours(hook: Existing) -> bool:
    return hook.name.startswith(WANTED.mark)


@given(st.lists(some_hook, max_size=8, unique_by=lambda hook: hook.id), st.booleans())
def test_from_any_state_one_apply_makes_it_as_wanted_and_a_second_one_changes_nothing(hooks, shows_secrets):
    """Whatever there was: ours end up exactly as wanted, others are the same, and it stays so."""
    theirs = [hook for hook in hooks if not is_ours(hook)]
    blocked = {(hook.target_url, hook.resource, hook.event, hook.filter) for hook in theirs}
    webex = Webex(hooks, shows_secrets=shows_secrets)
    failed = webex.apply(manifest.plan(WANTED, TARGET, SECRET, webex.all()), TARGET, SECRET)
    assert all("delete that one" in sentence for _, sentence in failed)
    assert [hook for hook in webex.hooks.values() if not is_ours(hook)] == theirs
    got = {(hook.name, hook.resource, hook.event, hook.filter) for hook in webex.hooks.values() if is_ours(hook)}
    want = {(one.name, one.resource, one.event, one.filter) for one in WANTED.webhooks}
    assert got | {(one.name, one.resource, one.event, one.filter) for one in failed_wanted(failed)} == want
    ours = [hook for hook in webex.hooks.values() if is_ours(hook)]
    assert len(ours) == len(got)
    assert all((hook.target_url, hook.status, hook.secret) == (TARGET, "active", SECRET) for hook in ours)
    if not blocked:
        assert not any(change.sure for change in manifest.plan(WANTED, TARGET, SECRET, webex.all()))


def failed_wanted(failed: list[Failure]) -> list[Wanted]:
    return [failure.change.wanted for failure in failed if failure.change.wanted is not None]


def test_one_failure_does_not_stop_the_others_and_is_told_with_a_sentence():
    hooks = as_wanted()[1:]
    hooks[0] = replace(hooks[0], status="inactive")
    webex = Webex(hooks)
    webex.broken = {Kind.UPDATE}
    failed = webex.apply(plan(hooks), TARGET, SECRET)
    assert [(change.kind, sentence) for change, sentence in failed] == [(Kind.UPDATE, "Webex returned an error (503).")]
    assert FIRST.name in {hook.name for hook in webex.all()}


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("webhooks.yaml", "path: /x\nwebhooks: []\n"),
        ("webhooks.yaml", "path: /x\nmark: ''\nwebhooks: []\n"),
        ("webhooks.yaml", "path: x\nmark: 'a: '\nwebhooks: []\n"),
        ("scopes.yaml", "- a list"),
        ("bot.yaml", "name: [not closed"),
        ("bot.yaml", None),
    ],
)
def test_a_manifest_that_cannot_be_read_names_the_file(tmp_path, file, text):
    (tmp_path / "bot.yaml").write_text("name: Bot\n")
    (tmp_path / "webhooks.yaml").write_text("path: /x\nmark: 'a: '\nwebhooks: []\n")
    (tmp_path / "scopes.yaml").write_text("scopes: []\n")
    manifest.read(tmp_path)
    manifest.read.cache_clear()
    if text is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_text(text)
    with pytest.raises(ManifestUnreadable, match=file):
        manifest.read(tmp_path)
