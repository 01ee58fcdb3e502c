"""Where the shop delivers to, Germany first."""

from __future__ import annotations

from typing import Final

from oscar.core.loading import get_model

#: alpha-2, alpha-3, numeric, name as shown in the shop
COUNTRIES: Final = (
    ("DE", "DEU", "276", "Deutschland"),
    ("AT", "AUT", "040", "Österreich"),
    ("CH", "CHE", "756", "Schweiz"),
    ("NL", "NLD", "528", "Niederlande"),
    ("FR", "FRA", "250", "Frankreich"),
    ("GB", "GBR", "826", "Vereinigtes Königreich"),
    ("DK", "DNK", "208", "Dänemark"),
    ("PL", "POL", "616", "Polen"),
    ("US", "USA", "840", "Vereinigte Staaten"),
)


def install_countries() -> None:
    """Create the countries that are missing."""
    model = get_model("address", "Country")
    for place, (alpha2, alpha3, number, name) in enumerate(COUNTRIES):
        model.objects.get_or_create(
            iso_3166_1_a2=alpha2,
            defaults={
                "iso_3166_1_a3": alpha3, "iso_3166_1_numeric": number, "name": name,
                "printable_name": name, "is_shipping_country": True,
                "display_order": len(COUNTRIES) - place,
            },
        )  # fmt: skip
