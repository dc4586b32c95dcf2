from pathlib import Path

import pytest
from fastapi import Request
from starlette.testclient import TestClient

from aigaq.base import ManualClock
from aigaq.web import create_shell, render

TEMPLATE = """{% extends "layout.html" %}{% block title %}t{% endblock %}
{% block content %}<p>{{ text }}</p><p>{{ ngettext("%(num)s polling station", "%(num)s polling stations", n) }}</p>
<time>{{ now_ms() | stamp("Asia/Almaty") }}</time>{% endblock %}"""


@pytest.fixture
def shell(tmp_path: Path):
    """A shell with one page of a room of its own, and one that breaks."""
    (tmp_path / "page.html").write_text(TEMPLATE)
    app = create_shell(tmp_path, clock=ManualClock(1_773_549_727_000))

    @app.get("/{language:language}/page")
    async def page(request: Request, text: str = "", n: int = 1):
        return render(request, "page.html", {"text": text, "n": n})

    @app.get("/{language:language}/broken")
    async def broken():
        raise RuntimeError("secret detail")

    @app.get("/api/v1/broken")
    async def broken_api():
        raise RuntimeError("secret detail")

    return app


@pytest.fixture
def client(shell) -> TestClient:
    return TestClient(shell, raise_server_exceptions=False)
