from __future__ import annotations

from django.contrib import admin

from tests.shapes.forked.people.models import Customer


@admin.register(Customer)
class CustomerAdmin(admin.ModelAdmin):
    search_fields = ["email"]
