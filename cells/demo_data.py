"""The small world that `make up` fills the cells with: places at their real coordinates, and sixty articles.

Everything here is made up but the cities. A place is (city, country, latitude, longitude, time zone).
"""

from typing import NamedTuple


class Place(NamedTuple):
    """A city with its coordinates in degrees and its IANA time zone."""

    city: str
    country: str
    lat: float
    lon: float
    timezone: str


_ET, _CT, _MT, _PT = "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"
_BR, _AR, _MX = "America/Sao_Paulo", "America/Argentina/Buenos_Aires", "America/Mexico_City"

WAREHOUSES: dict[str, list[Place]] = {
    "us": [
        Place("Newark", "US", 40.7357, -74.1724, _ET),
        Place("Atlanta", "US", 33.7490, -84.3880, _ET),
        Place("Chicago", "US", 41.8781, -87.6298, _CT),
        Place("Dallas", "US", 32.7767, -96.7970, _CT),
        Place("Riverside", "US", 33.9806, -117.3755, _PT),
        Place("Seattle", "US", 47.6062, -122.3321, _PT),
    ],
    "eu": [
        Place("Rotterdam", "NL", 51.9244, 4.4777, "Europe/Amsterdam"),
        Place("Leipzig", "DE", 51.3397, 12.3731, "Europe/Berlin"),
        Place("Lyon", "FR", 45.7640, 4.8357, "Europe/Paris"),
        Place("Zaragoza", "ES", 41.6488, -0.8891, "Europe/Madrid"),
        Place("Milton Keynes", "GB", 52.0406, -0.7594, "Europe/London"),
        Place("Lodz", "PL", 51.7592, 19.4560, "Europe/Warsaw"),
    ],
    "latam": [
        Place("Sao Paulo", "BR", -23.5505, -46.6333, _BR),
        Place("Recife", "BR", -8.0476, -34.8770, "America/Recife"),
        Place("Mexico City", "MX", 19.4326, -99.1332, _MX),
        Place("Monterrey", "MX", 25.6866, -100.3161, "America/Monterrey"),
        Place("Buenos Aires", "AR", -34.6037, -58.3816, _AR),
        Place("Bogota", "CO", 4.7110, -74.0721, "America/Bogota"),
    ],
}

STORES: dict[str, list[Place]] = {
    "us": [
        Place("New York", "US", 40.7128, -74.0060, _ET),
        Place("Boston", "US", 42.3601, -71.0589, _ET),
        Place("Philadelphia", "US", 39.9526, -75.1652, _ET),
        Place("Washington", "US", 38.9072, -77.0369, _ET),
        Place("Charlotte", "US", 35.2271, -80.8431, _ET),
        Place("Miami", "US", 25.7617, -80.1918, _ET),
        Place("Detroit", "US", 42.3314, -83.0458, "America/Detroit"),
        Place("Minneapolis", "US", 44.9778, -93.2650, _CT),
        Place("Saint Louis", "US", 38.6270, -90.1994, _CT),
        Place("Nashville", "US", 36.1627, -86.7816, _CT),
        Place("Houston", "US", 29.7604, -95.3698, _CT),
        Place("Austin", "US", 30.2672, -97.7431, _CT),
        Place("Denver", "US", 39.7392, -104.9903, _MT),
        Place("Salt Lake City", "US", 40.7608, -111.8910, _MT),
        Place("Phoenix", "US", 33.4484, -112.0740, "America/Phoenix"),
        Place("Los Angeles", "US", 34.0522, -118.2437, _PT),
        Place("San Diego", "US", 32.7157, -117.1611, _PT),
        Place("San Francisco", "US", 37.7749, -122.4194, _PT),
        Place("Portland", "US", 45.5152, -122.6784, _PT),
        Place("Toronto", "CA", 43.6532, -79.3832, "America/Toronto"),
    ],
    "eu": [
        Place("Amsterdam", "NL", 52.3676, 4.9041, "Europe/Amsterdam"),
        Place("Brussels", "BE", 50.8503, 4.3517, "Europe/Brussels"),
        Place("Berlin", "DE", 52.5200, 13.4050, "Europe/Berlin"),
        Place("Hamburg", "DE", 53.5511, 9.9937, "Europe/Berlin"),
        Place("Munich", "DE", 48.1351, 11.5820, "Europe/Berlin"),
        Place("Paris", "FR", 48.8566, 2.3522, "Europe/Paris"),
        Place("Marseille", "FR", 43.2965, 5.3698, "Europe/Paris"),
        Place("Madrid", "ES", 40.4168, -3.7038, "Europe/Madrid"),
        Place("Barcelona", "ES", 41.3874, 2.1686, "Europe/Madrid"),
        Place("Lisbon", "PT", 38.7223, -9.1393, "Europe/Lisbon"),
        Place("Milan", "IT", 45.4642, 9.1900, "Europe/Rome"),
        Place("Rome", "IT", 41.9028, 12.4964, "Europe/Rome"),
        Place("Vienna", "AT", 48.2082, 16.3738, "Europe/Vienna"),
        Place("Zurich", "CH", 47.3769, 8.5417, "Europe/Zurich"),
        Place("London", "GB", 51.5074, -0.1278, "Europe/London"),
        Place("Manchester", "GB", 53.4808, -2.2426, "Europe/London"),
        Place("Dublin", "IE", 53.3498, -6.2603, "Europe/Dublin"),
        Place("Copenhagen", "DK", 55.6761, 12.5683, "Europe/Copenhagen"),
        Place("Stockholm", "SE", 59.3293, 18.0686, "Europe/Stockholm"),
        Place("Warsaw", "PL", 52.2297, 21.0122, "Europe/Warsaw"),
    ],
    "latam": [
        Place("Campinas", "BR", -22.9099, -47.0626, _BR),
        Place("Rio de Janeiro", "BR", -22.9068, -43.1729, _BR),
        Place("Belo Horizonte", "BR", -19.9167, -43.9345, _BR),
        Place("Brasilia", "BR", -15.7939, -47.8828, _BR),
        Place("Curitiba", "BR", -25.4284, -49.2733, _BR),
        Place("Porto Alegre", "BR", -30.0346, -51.2177, _BR),
        Place("Salvador", "BR", -12.9777, -38.5016, "America/Bahia"),
        Place("Fortaleza", "BR", -3.7319, -38.5267, "America/Fortaleza"),
        Place("Guadalajara", "MX", 20.6597, -103.3496, _MX),
        Place("Puebla", "MX", 19.0414, -98.2063, _MX),
        Place("Merida", "MX", 20.9674, -89.5926, "America/Merida"),
        Place("Cordoba", "AR", -31.4201, -64.1888, "America/Argentina/Cordoba"),
        Place("Rosario", "AR", -32.9442, -60.6505, _AR),
        Place("Montevideo", "UY", -34.9011, -56.1645, "America/Montevideo"),
        Place("Santiago", "CL", -33.4489, -70.6693, "America/Santiago"),
        Place("Lima", "PE", -12.0464, -77.0428, "America/Lima"),
        Place("Medellin", "CO", 6.2476, -75.5658, "America/Bogota"),
        Place("Quito", "EC", -0.1807, -78.4678, "America/Guayaquil"),
        Place("Panama City", "PA", 8.9824, -79.5199, "America/Panama"),
        Place("San Juan de los Lagos", "MX", 21.2466, -102.3306, _MX),
    ],
}

# article, its variants, price of one in minor units of the region's first currency
_ARTICLES: list[tuple[str, str, list[str], int]] = [
    ("TSHIRT", "T-shirt, organic cotton", ["S", "M", "L", "XL"], 1990),
    ("HOODIE", "Hooded sweatshirt", ["S", "M", "L", "XL"], 4990),
    ("JEANS", "Jeans, straight cut", ["30", "32", "34", "36"], 5990),
    ("JACKET", "Rain jacket", ["S", "M", "L", "XL"], 8990),
    ("SNEAKER", "Running shoe", ["38", "40", "42", "44"], 7990),
    ("BOOT", "Hiking boot", ["38", "40", "42", "44"], 12990),
    ("SOCKS", "Socks, three pairs", ["S", "M", "L"], 890),
    ("CAP", "Cap", ["BLACK", "BLUE"], 1590),
    ("BACKPACK", "Backpack 25 l", ["BLACK", "GREEN"], 6490),
    ("BOTTLE", "Drinking bottle 750 ml", ["STEEL", "BLUE", "RED"], 1890),
    ("TENT", "Tent for two", ["GREEN", "ORANGE"], 19900),
    ("SLEEPBAG", "Sleeping bag", ["SUMMER", "WINTER"], 9900),
    ("HEADPHONE", "Headphones, wireless", ["BLACK", "WHITE"], 14900),
    ("SPEAKER", "Loudspeaker, portable", ["BLACK", "RED"], 7900),
    ("CHARGER", "USB-C charger 65 W", ["STANDARD"], 3490),
    ("CABLE", "USB-C cable", ["1M", "2M"], 990),
    ("LAMP", "Desk lamp", ["BLACK", "WHITE"], 3990),
    ("MUG", "Mug 300 ml", ["BLUE", "GREEN", "RED"], 890),
    ("PAN", "Frying pan", ["24CM", "28CM"], 3490),
    ("KETTLE", "Kettle 1.7 l", ["STEEL", "BLACK"], 4490),
    ("TOWEL", "Bath towel", ["WHITE", "GREY"], 1490),
    ("PILLOW", "Pillow 40 × 60", ["SOFT", "FIRM"], 2490),
    ("NOTEBOOK", "Notebook A5", ["RULED", "PLAIN"], 690),
    ("PUZZLE", "Puzzle, 1,000 pieces", ["SEA", "CITY"], 1590),
]

# sku, description, price in minor units
SKUS: list[tuple[str, str, int]] = [
    (f"{code}-{variant}", f"{text}, {variant.lower()}", price)
    for code, text, variants, price in _ARTICLES
    for variant in variants
]
