"""What calls of the HTTP API did, as parts of sentences of the audit; the braces stand for the report."""

from __future__ import annotations

from typing import Final

API_ACTS: Final = {
    "post_deliver": "asked to have {} delivered",
    "get_list_deliveries": "listed its deliveries",
    "get_list_subscriptions": "listed its subscriptions",
    "post_subscribe": "subscribed a space",
    "get_get_subscription": "looked at a subscription",
    "delete_end_subscription": "ended a subscription",
    "get_list_schedules": "listed its schedules",
    "post_create_schedule": "made a schedule",
    "get_get_schedule": "looked at a schedule",
    "patch_change_schedule": "changed a schedule",
    "delete_end_schedule": "ended a schedule",
    "get_list_runs": "listed the runs of a schedule",
    "post_run_schedule": "ran a schedule",
    "get_get_delivery": "looked at a delivery",
    "delete_cancel_delivery": "asked to cancel the delivery of {}",
    "get_list_reports": "listed the reports",
    "post_create_report": "asked to run {}",
    "get_get_report": "looked at {}",
    "delete_delete_report": "asked to delete {}",
    "get_list_templates": "listed the templates",
    "get_list_webhooks": "listed its webhooks",
    "post_register_webhook": "registered a webhook",
    "delete_delete_webhook": "deleted a webhook",
    "post_test_webhook": "tested a webhook",
    "post_recover_webhook": "had missed events sent to a webhook again",
    "get_list_hooks": "listed its hooks",
    "post_create_hook": "made a hook",
    "delete_delete_hook": "deleted a hook",
    "post_hook": "was called",
}
"""By the method and the endpoint's name."""
HOOK_DEEDS: Final = {"asked": "asked for {}", "failed": "came to nothing"}
"""What came of a hook's call, by the outcome."""
KEY_DEEDS: Final = {"created": "made an API key", "revoked": "revoked an API key"}
"""What was done with keys, by the outcome."""
WEBHOOK_DEEDS: Final = {
    "tested": "tested a webhook",
    "recovered": "had missed events sent to a webhook again",
    "replayed": "had an event sent to a webhook again",
    "rotated": "changed the secret of a webhook",
    "deleted": "deleted a webhook",
    "disabled": "has a webhook that doesn't take its events",
}
"""What was done with webhooks for outbound events, by the outcome."""
LOOKED_AT: Final = {"keys": "listed the API keys", "settings": "asked for the settings"}
