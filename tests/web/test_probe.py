"""The probe of ``doctor`` at the webhook route: answered for who holds the secret, and never in place of an event."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from flask import Flask

from bot.ops import probe
from bot.web import webhook
from bot.web.rejected_calls import RejectedCalls
from bot.web.webhook import WebhookEndpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient

    from bot.db.events import Event

OLD, NEW = b"the old secret 0123456789", b"the new secret 0123456789"
NONCE = "0123456789abcdef" * 2
BODY = probe.body_of(NONCE)


@contextmanager
def probed_client(kept: list[Event], rejected: RejectedCalls | None = None) -> Iterator[FlaskClient]:
    """Return the route with two secrets, on a database that is not there: a probe needs none."""
    app = Flask("probed")
    made = WebhookEndpoint(
        record=kept.append,
        secrets=(NEW, OLD),
        bot=lambda: None,
        ready=lambda: True,
        count=lambda *_: None,
        rejected=rejected or RejectedCalls(),
    )
    webhook.add_routes(app, made, ["/hooks"])
    with app.test_client() as client:
        yield client


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_who_holds_a_secret_is_given_the_proof_of_that_one_and_nothing_is_kept(secret):
    kept: list[Event] = []
    with probed_client(kept) as client:
        answer = client.post("/hooks", data=BODY, headers={probe.SIGNATURE: probe.signature_of(BODY, secret)})
    assert (answer.status_code, answer.text.strip()) == (200, probe.proof_of(NONCE, secret))
    assert kept == []


@pytest.mark.parametrize("signature", ["", "0" * 40, probe.signature_of(BODY, b"a secret of somebody else's")])
def test_nobody_else_learns_that_there_is_anything(signature):
    kept: list[Event] = []
    with probed_client(kept) as client:
        answer = client.post("/hooks", data=BODY, headers={probe.SIGNATURE: signature})
        other = client.post("/hooks", data=b"{}", headers={probe.SIGNATURE: signature})
    assert (answer.status_code, answer.data) == (other.status_code, other.data) == (401, other.data)
    assert kept == []


@pytest.mark.parametrize(
    ("body", "mark", "counted"),
    [
        (BODY, probe.mark_of(NONCE, OLD), 0),
        (BODY, probe.mark_of(NONCE, NEW), 0),
        (BODY, "", 1),
        (BODY, probe.mark_of(NONCE, b"a secret of somebody else's"), 1),
        (BODY, probe.proof_of(NONCE, NEW).removeprefix("reportbot "), 1),
        (BODY, probe.mark_of("1" * 32, NEW), 1),
        (b"{}", probe.mark_of(NONCE, NEW), 1),
    ],
)
def test_a_wrong_signature_is_rejected_and_counted_unless_the_probe_proves_that_it_is_the_doctors(body, mark, counted):
    rejected = RejectedCalls()
    headers = {probe.SIGNATURE: "0" * 40, probe.MARK: mark}
    with probed_client([], rejected) as client:
        answer = client.post("/hooks", data=body, headers=headers)
    assert (answer.status_code, answer.text.strip()) == (401, "signature does not verify")
    assert rejected.count() == counted


@pytest.mark.parametrize(
    "more",
    [
        {"reportbot probe": NONCE},
        {"reportbot probe": NONCE, "name": "reportbot probe"},
        {"name": BODY.decode()},
    ],
)
def test_an_event_that_looks_like_one_is_kept(more):
    envelope = {"resource": "messages", "event": "created", "data": {"id": "M1"}} | more
    kept: list[Event] = []
    for body in (json.dumps(envelope).encode(), json.dumps(more | envelope, separators=(",", ":")).encode()):
        with probed_client(kept) as client:
            answer = client.post("/hooks", data=body, headers={probe.SIGNATURE: probe.signature_of(body, NEW)})
        assert (answer.status_code, answer.data) == (200, b"ok\n")
    assert [event.data_id for event in kept] == ["M1", "M1"]


def test_the_proof_is_no_signature_of_anything():
    proof = probe.proof_of(NONCE, NEW).removeprefix("reportbot ")
    assert proof not in {probe.signature_of(body, NEW) for body in (BODY, NONCE.encode())}
    assert len(proof) == 64
