"""Pages of ours beside Django's lists and forms: wrapped by the admin site, permission first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from cart_recovery.admin.access import require
from cart_recovery.admin.bases import AnyModelAdmin

View = Callable[..., HttpResponseBase]


def url_name(model_admin: AnyModelAdmin, method: str) -> str:
    opts = model_admin.opts
    return f"{opts.app_label}_{opts.model_name}_{method.removesuffix('_view')}"


def page_view(model_admin: AnyModelAdmin, method: str, permission: str) -> View:
    """The method as a view: wrapped by the admin site, permission first, never kept by a cache."""
    view: View = getattr(model_admin, method)

    def checked(request: HttpRequest, **parts: Any) -> HttpResponseBase:
        require(request, permission)
        response = view(request, **parts)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return model_admin.admin_site.admin_view(checked)


class PagesAdmin(AnyModelAdmin):
    """A ModelAdmin with pages of its own.

    `pages` names them: (route, name of the method, permission). The URL's name is
    `admin:cart_recovery_<model>_<method without "_view">`. Anonymous visitors are sent to the log-in,
    others without the permission get 403 before the method runs.
    """

    pages: tuple[tuple[str, str, str], ...] = ()

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(route, page_view(self, method, permission), name=url_name(self, method))
            for route, method, permission in self.pages
        ]
        return [*own, *super().get_urls()]

    def row(self, key: object) -> Any:
        """The row of a page's URL. Raises Http404."""
        row = self.model._default_manager.filter(pk=key).first()
        if row is None:
            raise Http404
        return row

    def page(
        self,
        request: HttpRequest,
        template: str,
        *,
        title: object,
        original: Any = None,
        **context: Any,
    ) -> TemplateResponse:
        """`admin/cart_recovery/<template>`, which extends `page.html` there, within admin's frame."""
        context |= {
            **self.admin_site.each_context(request),
            "title": title,
            "original": original,
            "opts": self.opts,
        }
        return TemplateResponse(request, f"admin/cart_recovery/{template}", context)  # fmt: skip
