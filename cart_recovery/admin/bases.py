"""Django's classes with their type parameters, which only type checkers may write; and a ModelAdmin
whose refusals say what to do."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core import paginator
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    AnyTabularInline = admin.TabularInline[Any, Any]
    AnyStackedInline = admin.StackedInline[Any, Any]
    AnyModelForm = forms.ModelForm[Any]
    AnyInlineFormSet = forms.BaseInlineFormSet[Any, Any, Any]
    AnyFormSet = forms.BaseFormSet[Any]
    AnyPaginator = paginator.Paginator[Any]
else:
    ModelAdmin = admin.ModelAdmin
    AnyTabularInline = admin.TabularInline
    AnyStackedInline = admin.StackedInline
    AnyModelForm = forms.ModelForm
    AnyInlineFormSet = forms.BaseInlineFormSet
    AnyFormSet = forms.BaseFormSet
    AnyPaginator = paginator.Paginator


class AnyModelAdmin(ModelAdmin):
    """Base of all screens. Who may not do something reads whom to ask, on a page with status 403."""

    @property
    def urls(self) -> list[URLPattern]:
        patterns = self.get_urls()
        for pattern in patterns:
            pattern.callback = self._refusing(pattern.callback)
        return patterns

    def _refusing(self, view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @functools.wraps(view)
        def refusing(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                return view(request, *args, **kwargs)
            except PermissionDenied:
                context = {
                    **self.admin_site.each_context(request),
                    "title": _("You may not do this"),
                    "opts": self.opts,
                }
                page = "admin/cart_recovery/refused.html"
                return TemplateResponse(request, page, context, status=403)

        return refusing
