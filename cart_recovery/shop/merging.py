"""Keeps Oscar's merge at log-in from counting a restored copy on top of the original."""

from __future__ import annotations

from typing import Any

from oscar.core.loading import get_model


def absorb_copy(basket_id: int, user_id: Any) -> None:
    """Takes out of an anonymous basket what the user's own one holds as well.

    Oscar merges the anonymous basket into the user's own at the next request. Its middleware takes
    the larger quantity of two equal lines; shops that made it add them up would count a restored
    copy twice. Afterwards there is nothing left to add up: the own line has the larger quantity.
    """
    basket_model = get_model("basket", "Basket")
    baskets = basket_model._base_manager.filter(status=basket_model.OPEN)
    copy = baskets.filter(pk=basket_id, owner__isnull=True).first()
    own = baskets.filter(owner_id=user_id).order_by("pk").first()
    if copy is None or own is None:
        return
    held = {line.line_reference: line for line in own.lines.all()}
    for line in copy.lines.filter(line_reference__in=list(held)):
        original = held[line.line_reference]
        if original.quantity < line.quantity:
            original.quantity = line.quantity
            original.save()
        line.delete()
