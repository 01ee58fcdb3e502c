"""What the shop sells. Titles are German, descriptions German and English."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sandbox_shop.pictures import Colour

RUST: Final[Colour] = (168, 96, 52)
PETROL: Final[Colour] = (44, 110, 120)
RED: Final[Colour] = (190, 72, 60)
MOSS: Final[Colour] = (84, 122, 74)
PLUM: Final[Colour] = (104, 84, 140)
OCHRE: Final[Colour] = (206, 146, 54)
SLATE: Final[Colour] = (82, 98, 116)
SAND: Final[Colour] = (176, 150, 118)
NAVY: Final[Colour] = (46, 74, 122)
ROSE: Final[Colour] = (190, 112, 118)

#: product types: name -> (ships, counts stock, option's code or none)
WARE: Final = "Ware"
COFFEE: Final = "Kaffee"
ENGRAVED: Final = "Ware mit Gravur"
VOUCHER: Final = "Gutschein"

#: category -> its subcategories
CATEGORIES: Final[dict[str, tuple[str, ...]]] = {
    "Kaffee": ("Bohnen", "Zubereitung"),
    "Küche": ("Töpfe & Pfannen", "Messer & Bretter"),
    "Draußen": ("Zelten", "Wandern"),
    "Zuhause": ("Licht", "Textilien"),
    "Gutscheine": (),
}


@dataclass(frozen=True, slots=True)
class Variant:
    """One size or colour of a good."""

    name: str
    price: str
    stock: int | None = 60


@dataclass(frozen=True, slots=True)
class Good:
    """One thing for sale. `price` is in EUR; `stock` None: no stock is counted."""

    code: str
    title: str
    category: str
    motif: str
    colour: Colour
    german: str
    english: str
    price: str = ""
    stock: int | None = 80
    kind: str = WARE
    variants: tuple[Variant, ...] = ()

    @property
    def description(self) -> str:
        """HTML in both languages."""
        return f'<span lang="de">{self.german}</span><br><em lang="en">{self.english}</em>'


def _sizes(small: str, middle: str, large: str) -> tuple[Variant, ...]:
    return Variant("250 g", small), Variant("500 g", middle), Variant("1 kg", large, 24)


GOODS: Final[tuple[Good, ...]] = (
    Good("kaffee-hafen", "Hafenröstung", "Bohnen", "coffee_bag", RUST,
         "Kräftig und dunkel, mit Noten von Kakao und Walnuss. Langsam in der Trommel geröstet.",
         "Dark and strong, with cocoa and walnut. Slowly roasted in the drum.",
         kind=COFFEE, variants=_sizes("7.90", "14.50", "26.90")),
    Good("kaffee-morgen", "Morgenlicht Filterkaffee", "Bohnen", "coffee_bag", OCHRE,
         "Hell geröstet aus Äthiopien: Pfirsich, Jasmin, ein Hauch Honig.",
         "A light roast from Ethiopia: peach, jasmine, a touch of honey.",
         kind=COFFEE, variants=_sizes("9.20", "16.90", "31.50")),
    Good("kaffee-nacht", "Espresso Nachtfähre", "Bohnen", "coffee_bag", SLATE,
         "Vier Sorten, eine dichte Crema. Auch mit Milch noch Kaffee.",
         "Four origins, one dense crema. Still coffee with milk in it.",
         kind=COFFEE, variants=_sizes("8.40", "15.60", "28.90")),
    Good("kaffee-ruhe", "Entkoffeiniert „Feierabend“", "Bohnen", "coffee_bag", PLUM,
         "Schonend mit Wasser entkoffeiniert, für die letzte Tasse des Tages.",
         "Gently decaffeinated with water, for the last cup of the day.",
         "8.90", 45, COFFEE),
    Good("kaffee-probier", "Probierpaket mit vier Röstungen", "Bohnen", "card", RUST,
         "Viermal 125 g zum Kennenlernen, mit Karte zum Mitschreiben.",
         "Four times 125 g to get to know us, with a card for your notes.", "19.90", 35),
    Good("handfilter", "Handfilter „Brise“", "Zubereitung", "dripper", PETROL,
         "Porzellan aus Thüringen, hält die Wärme und sitzt auf jeder Tasse.",
         "Porcelain from Thuringia that keeps the heat and fits each cup.", "24.90", 40),
    Good("muehle", "Handmühle „Kurbel“", "Zubereitung", "grinder", MOSS,
         "Kegelmahlwerk aus Stahl, stufenlos von Mokka bis French Press.",
         "Conical steel burrs, stepless from mocha to French press.", "89.00", 12),
    Good("presskanne", "Presskanne 1 Liter", "Zubereitung", "french_press", RED,
         "Borosilikatglas im Stahlrahmen, mit doppeltem Sieb.",
         "Borosilicate glass in a steel frame, with a double sieve.", "39.50", 30),
    Good("kessel", "Wasserkessel „Schwan“", "Zubereitung", "kettle", NAVY,
         "Schlanker Ausgießer für einen ruhigen Strahl, auch für Induktion.",
         "A slim spout for a calm pour, suits induction too.", "64.00", 3),
    Good("becher", "Becher „Kai“", "Zubereitung", "mug", PETROL,
         "Steinzeug, von Hand glasiert: jeder ist ein wenig anders.",
         "Stoneware, glazed by hand: each one a little different.",
         variants=(Variant("Petrol", "16.50"), Variant("Sand", "16.50"),
                   Variant("Rost", "16.50", 0), Variant("Moos", "16.50", 2))),
    Good("thermobecher", "Thermobecher 350 ml", "Zubereitung", "bottle", ROSE,
         "Dicht, doppelwandig, sechs Stunden heiß.", "Leak-proof, double wall, hot for six hours.",
         "27.90", 55),
    Good("eisenpfanne", "Eisenpfanne 28 cm", "Töpfe & Pfannen", "pan", SLATE,
         "Geschmiedet, eingebrannt, ein Leben lang. Wird mit jedem Braten besser.",
         "Forged, seasoned, for a lifetime. Gets better with each use.", "79.00", 18),
    Good("pfanne-klein", "Omelettpfanne 20 cm", "Töpfe & Pfannen", "pan", RUST,
         "Leicht, flach, beschichtet ohne PFAS.", "Light, shallow, coated without PFAS.", "34.90"),
    Good("schmortopf", "Schmortopf 4 Liter", "Töpfe & Pfannen", "pot", RED,
         "Emailliertes Gusseisen für Brot, Gulasch und lange Sonntage.",
         "Enamelled cast iron for bread, goulash and long Sundays.", "129.00", 9),
    Good("nudeltopf", "Nudeltopf mit Sieb", "Töpfe & Pfannen", "pot", PETROL,
         "Sechs Liter, der Deckel gießt ab.", "Six litres, and the lid drains.", "54.90", 0),
    Good("milchtopf", "Milchtopf 1,2 Liter", "Töpfe & Pfannen", "pot", SAND,
         "Mit zwei Ausgießern und Skala.", "With two spouts and a scale.", "29.90", 26),
    Good("kochmesser", "Kochmesser 20 cm", "Messer & Bretter", "knife", RED,
         "Solinger Stahl, Griff aus Pflaumenholz. Auf Wunsch mit Gravur.",
         "Steel from Solingen, plum wood handle. Engraved if you like.", "94.00", 14, ENGRAVED),
    Good("officemesser", "Schälmesser 9 cm", "Messer & Bretter", "knife", MOSS,
         "Klein, spitz, immer zur Hand. Auf Wunsch mit Gravur.",
         "Small, pointed, always at hand. Engraved if you like.", "22.50", 60, ENGRAVED),
    Good("brotmesser", "Brotmesser 24 cm", "Messer & Bretter", "knife", NAVY,
         "Wellenschliff, der auch eine frische Kruste schafft.",
         "A serrated edge that manages a fresh crust.", "69.00", 11),
    Good("schneidbrett", "Schneidbrett Eiche", "Messer & Bretter", "board", RED,
         "Stirnholz mit Saftrille, geölt.", "End-grain oak with a juice groove, oiled.",
         variants=(Variant("30 × 20 cm", "32.00"), Variant("45 × 30 cm", "54.00", 15))),
    Good("fruehstuecksbrett", "Frühstücksbrettchen, 2 Stück", "Messer & Bretter", "board", OCHRE,
         "Buche, spülmaschinenfest, ohne Schnickschnack.",
         "Beech, dishwasher-safe, no frills.", "14.90", 70),
    Good("zelt-2", "Zelt „Düne“ für zwei", "Zelten", "tent", MOSS,
         "2,1 kg, zwei Eingänge, steht in vier Minuten.",
         "2.1 kg, two doors, up in four minutes.", "249.00", 7),
    Good("zelt-4", "Familienzelt „Bucht“", "Zelten", "tent", OCHRE,
         "Stehhöhe, Schlafkabine, Platz für vier und den Hund.",
         "Standing height, a sleeping cabin, room for four and the dog.", "449.00", 1),
    Good("schlafsack", "Schlafsack „Murmel“", "Zelten", "sleeping_bag", PLUM,
         "Recycelte Faser, warm bis 2 °C, klein verpackt.",
         "Recycled fibre, warm down to 2 °C, packs small.",
         variants=(Variant("185 cm", "119.00", 10), Variant("200 cm", "129.00", 6))),
    Good("isomatte", "Isomatte „Wolke“", "Zelten", "sleeping_bag", SLATE,
         "Bläst sich fast selbst auf. R-Wert 3,2.", "Almost inflates itself. R-value 3.2.",
         "74.90", 22),
    Good("kocher", "Gaskocher „Funke“", "Zelten", "stove", RED,
         "98 g, mit Windschutz, ein Liter kocht in vier Minuten.",
         "98 g with a wind shield; boils a litre in four minutes.", "44.90", 33),
    Good("campinglampe", "Campinglaterne", "Zelten", "lamp", MOSS,
         "Warmes Licht, 40 Stunden, lädt auch das Telefon.",
         "Warm light, 40 hours, charges the phone as well.", "49.90", 20),
    Good("rucksack", "Rucksack „Hügel“", "Wandern", "backpack", NAVY,
         "Mit Regenhülle und Platz für eine Trinkblase. Repariert wird bei uns.",
         "With rain cover and room for a bladder. We do the repairs.",
         variants=(Variant("20 Liter", "89.00"), Variant("35 Liter", "129.00", 16),
                   Variant("50 Liter", "169.00", 5))),
    Good("tagesrucksack", "Tagesrucksack aus Segeltuch", "Wandern", "backpack", SAND,
         "Gewachst, mit Lederriemen. Für Stadt und Strand.",
         "Waxed canvas, leather straps. For town and beach.", "109.00", 13),
    Good("trinkflasche", "Trinkflasche 0,75 l", "Wandern", "bottle", MOSS,
         "Edelstahl ohne Innenbeschichtung, Deckel aus Bambus. Auf Wunsch mit Gravur.",
         "Steel without inner coating, bamboo lid. Engraved if you like.", "21.90", 90, ENGRAVED),
    Good("stirnlampe", "Stirnlampe 400 Lumen", "Wandern", "headlamp", RED,
         "Rotlicht für die Nacht, lädt über USB-C.", "Red light for the night, charges by USB-C.",
         "42.00", 28),
    Good("emaillebecher", "Emaillebecher „Gipfel“", "Wandern", "mug", RED,
         "Unverwüstlich, mit Höhenlinien der Zugspitze.",
         "Indestructible, with the contour lines of the Zugspitze.", "12.90", 120),
    Good("pendelleuchte", "Windlicht „Leuchtturm“", "Licht", "lamp", NAVY,
         "Für drinnen und draußen, mit Griff aus Leder.",
         "For indoors and outdoors, with a leather handle.", "36.00", 17),
    Good("stumpenkerzen", "Stumpenkerzen, 3 Stück", "Licht", "candle", ROSE,
         "Rapswachs aus der Uckermark, brennen zusammen 120 Stunden.",
         "Rapeseed wax from the Uckermark; burn 120 hours in all.", "18.50", 64),
    Good("bienenwachs", "Bienenwachskerzen, 3 Stück", "Licht", "candle", OCHRE,
         "Duften von selbst.", "Scented by nature.", "26.00", 4),
    Good("wolldecke", "Wolldecke „Deich“", "Textilien", "blanket", PETROL,
         "Schurwolle vom Deichschaf, 140 × 200 cm.", "Wool of dyke sheep, 140 × 200 cm.",
         variants=(Variant("Petrol", "99.00", 19), Variant("Ocker", "99.00", 8))),
    Good("handtuch", "Handtuch aus Leinen", "Textilien", "towel", ROSE,
         "Trocknet schnell, wird mit jeder Wäsche weicher.",
         "Dries fast, softer with each wash.", "28.00", 44),
    Good("geschirrtuch", "Geschirrtücher, 3 Stück", "Textilien", "towel", MOSS,
         "Halbleinen, fusselfrei.", "Half linen, lint-free.", "19.90", 75),
    Good("schuerze", "Küchenschürze „Bäckerei“", "Textilien", "apron", SLATE,
         "Feste Baumwolle, zwei Taschen, lange Bänder.",
         "Sturdy cotton, two pockets, long strings.", "39.00", 21),
    Good("gutschein", "Geschenkgutschein", "Gutscheine", "card", PLUM,
         "Kommt sofort per E-Mail.", "Arrives by e-mail at once.", kind=VOUCHER, stock=None,
         variants=(Variant("25 Euro", "25.00", None), Variant("50 Euro", "50.00", None))),
)  # fmt: skip

#: what is shown beside a good, best first
RECOMMENDED: Final[dict[str, tuple[str, ...]]] = {
    "kaffee-hafen": ("presskanne", "becher", "muehle"),
    "kaffee-morgen": ("handfilter", "kessel", "muehle"),
    "kaffee-nacht": ("muehle", "becher", "thermobecher"),
    "kaffee-probier": ("handfilter", "becher"),
    "handfilter": ("kessel", "kaffee-morgen", "muehle"),
    "muehle": ("kaffee-hafen", "handfilter"),
    "presskanne": ("kaffee-hafen", "becher"),
    "kessel": ("handfilter", "kaffee-morgen"),
    "becher": ("kaffee-hafen", "emaillebecher"),
    "nudeltopf": ("schmortopf", "milchtopf"),
    "schmortopf": ("kochmesser", "schuerze", "eisenpfanne"),
    "eisenpfanne": ("schneidbrett", "kochmesser"),
    "kochmesser": ("schneidbrett", "brotmesser"),
    "schneidbrett": ("kochmesser", "officemesser"),
    "zelt-2": ("isomatte", "schlafsack", "campinglampe"),
    "zelt-4": ("isomatte", "kocher", "campinglampe"),
    "schlafsack": ("isomatte", "zelt-2"),
    "kocher": ("emaillebecher", "kaffee-hafen"),
    "rucksack": ("trinkflasche", "stirnlampe"),
    "tagesrucksack": ("trinkflasche", "thermobecher"),
    "wolldecke": ("stumpenkerzen", "becher"),
    "schuerze": ("schmortopf", "geschirrtuch"),
}
