"""Tables, and a few products to put into baskets. Works in a worker."""

from __future__ import annotations

from django.core.management import call_command

from tests.factories import make_product

#: so many that no basket ever empties a shelf
STOCK = 10**7
PRODUCTS = 30
TITLES = (
    "Kaffeemühle mit Handkurbel", "Wanderrucksack Elbsand 32 l", "Teekanne aus Steinzeug",
    "Regenjacke für Radfahrer", "Espressokocher für sechs Tassen",
)  # fmt: skip


def install() -> None:
    """Migrate, and fill the catalogue."""
    from oscar.core.loading import get_model

    call_command("migrate", verbosity=0)
    image = get_model("catalogue", "ProductImage")
    for number in range(PRODUCTS):
        title = f"{TITLES[number % len(TITLES)]} {number}"
        product = make_product(title, price=f"{19 + number}.90", stock=STOCK)
        # messages only need its address
        image.objects.create(product=product, original=f"images/products/bench-{number}.jpg")
