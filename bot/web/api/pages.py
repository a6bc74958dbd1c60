"""``/openapi.json``, and readable pages made of it: the calls, and what to do about each error. Nothing is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import Response, json, render_template_string

from bot.web.api import models
from bot.web.api.problems import KINDS, Problem

if TYPE_CHECKING:
    from flask_openapi3.openapi import OpenAPI

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
_PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}
code,pre{font-family:ui-monospace,monospace}pre{overflow:auto}dt{font-weight:600}</style>
<h1>{{ title }}</h1>
{% block content %}{% endblock %}"""
_DOCS: Final = _PAGE.replace(
    "{% block content %}{% endblock %}",
    """<p>{{ document.info.description }} Send <code>Authorization: Bearer &lt;key&gt;</code> with each call; keys are
made with <code>reportbot keys create</code>. The machine's version of this page:
<a href="openapi.json">openapi.json</a>.</p>
{% for path, methods in document.paths.items() %}{% for method, call in methods.items() %}
<h2><code>{{ method | upper }} {{ path }}</code></h2><p>{{ call.summary }}.</p>
{% if call.parameters %}<dl>{% for one in call.parameters %}<dt><code>{{ one.name }}</code> ({{ one["in"] }}{{
", required" if one.required }})</dt><dd>{{ one.description or "" }}</dd>{% endfor %}</dl>{% endif %}
{% if call.requestBody %}<p>Body:</p><pre>{{ example(call.requestBody) }}</pre>{% endif %}
{% endfor %}{% endfor %}
<h2>Errors</h2><p>As in RFC 9457; <code>type</code> leads to one of these pages.</p>
<ul>{% for name, kind in kinds.items() %}<li><a href="docs/errors/{{ name }}">{{ kind.status }}: {{ kind.title }}</a>
</li>{% endfor %}</ul>""",
)
_ERROR: Final = _PAGE.replace(
    "{% block content %}{% endblock %}",
    "<p>HTTP status {{ kind.status }}.</p><p>{{ kind.remedy }}</p><p><a href='../../docs'>All calls</a></p>",
)


def add(app: OpenAPI, prefix: str) -> None:
    """Serve the pages; they need no key."""

    def document() -> Response:
        return Response(json.dumps(described(app)), content_type="application/json")

    def docs() -> Response:
        found = described(app)

        def example(body: dict[str, Any]) -> str:
            name = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
            return json.dumps(found["components"]["schemas"][name]["properties"], indent=2)

        title = "The API of the Webex report bot"
        page = render_template_string(_DOCS, document=found, kinds=KINDS, title=title, example=example)
        return _html(page)

    def error(name: str) -> Response:
        if name not in KINDS:
            raise Problem("not-found")
        return _html(render_template_string(_ERROR, kind=KINDS[name], title=KINDS[name].title))

    app.add_url_rule(f"{prefix}/openapi.json", "openapi", document)
    app.add_url_rule(f"{prefix}/docs", "docs", docs)
    app.add_url_rule(f"{prefix}/docs/errors/<name>", "error", error)


def described(app: OpenAPI) -> dict[str, Any]:
    """Return the OpenAPI document."""
    found: dict[str, Any] = app.api_doc
    schemas = found["components"]["schemas"]
    if "Error" not in schemas:
        error = models.Error.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= error.pop("$defs") | {"Error": error}
        schemas.pop("ValidationErrorModel", None)  # the library's own, in whose place ours is sent
    return found


def _html(page: str) -> Response:
    return Response(page, content_type="text/html; charset=utf-8", headers={"Content-Security-Policy": POLICY})
