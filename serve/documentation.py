"""`/docs`: the endpoints, to read and to try, by Swagger UI from our own files. Its two pages run their
own scripts and no others."""

from __future__ import annotations

import re

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html, get_swagger_ui_oauth2_redirect_html
from starlette.responses import HTMLResponse, Response

from serve.pages import POLICY, policy

_PAGE = "/docs"
_SIGNED_IN = "/docs/oauth2-redirect"
_FILES = "/static-offline-docs"
_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def _page(title: str) -> str:
    made = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title=title,
        oauth2_redirect_url=_SIGNED_IN,
        swagger_js_url=f"{_FILES}/swagger-ui-bundle.js",
        swagger_css_url=f"{_FILES}/swagger-ui.css",
        swagger_favicon_url=f"{_FILES}/favicon.png",
    )
    return bytes(made.body).decode()


def _allowing(page: str) -> dict[str, str]:
    return {POLICY: policy(scripts=_INLINE.findall(page), own_files=True)}


_SIGNED_IN_PAGE = bytes(get_swagger_ui_oauth2_redirect_html().body).decode()
# Of a page without a title, which is what a setting says.
_POLICY_OF_PAGE = _allowing(_page(""))
_POLICY_OF_SIGNED_IN = _allowing(_SIGNED_IN_PAGE)


def install(app: FastAPI) -> None:
    """Serves both pages. The files that they name are `FastAPIOffline`'s."""
    shown = _page(f"{app.title} - Swagger UI")

    @app.get(_PAGE, include_in_schema=False)
    async def documentation() -> Response:
        return HTMLResponse(shown, headers=_POLICY_OF_PAGE)

    @app.get(_SIGNED_IN, include_in_schema=False)
    async def signed_in() -> Response:
        return HTMLResponse(_SIGNED_IN_PAGE, headers=_POLICY_OF_SIGNED_IN)
