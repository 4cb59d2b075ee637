"""Coordinates are kept as CGCS2000 degrees; other frames are converted once, at the border.

WGS-84 agrees with CGCS2000 to well under a metre. GCJ-02, the frame of Chinese map pickers and
phones, is off by 50–700 m; its published transform is inverted here by iteration.
"""

from __future__ import annotations

import math

LonLat = tuple[float, float]

_SEMI_MAJOR_M = 6378245.0  # Krasovsky 1940, as the GCJ-02 transform uses it
_ECCENTRICITY_2 = 0.00669342162296594323
_EARTH_RADIUS_M = 6371008.8  # mean radius, IUGG
_MERCATOR_RADIUS_M = 6378137.0  # WGS-84 semi-major axis
_MERCATOR_LAT = 85.05112877980659  # where the square map ends


def to_cgcs2000(lon: float, lat: float, datum: str) -> LonLat:
    """Degrees in the named datum (``cgcs2000``, ``wgs84``, ``gcj02``) to CGCS2000 degrees."""
    if datum != "gcj02":
        return lon, lat
    guess_lon, guess_lat = lon, lat
    for _ in range(4):  # converges to centimetres in three rounds
        shifted_lon, shifted_lat = to_gcj02(guess_lon, guess_lat)
        guess_lon += lon - shifted_lon
        guess_lat += lat - shifted_lat
    return guess_lon, guess_lat


def to_gcj02(lon: float, lat: float) -> LonLat:
    """CGCS2000/WGS-84 degrees to GCJ-02 degrees; meant for places inside China."""
    x, y = lon - 105.0, lat - 35.0
    ripple = (20.0 * math.sin(6.0 * x * math.pi) + 20.0 * math.sin(2.0 * x * math.pi)) * 2.0 / 3.0
    d_lat = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x))
    d_lat += ripple + _waves(y, ((20.0, 1.0), (40.0, 1 / 3), (160.0, 1 / 12), (320.0, 1 / 30)))
    d_lon = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x))
    d_lon += ripple + _waves(x, ((20.0, 1.0), (40.0, 1 / 3), (150.0, 1 / 12), (300.0, 1 / 30)))
    phi = math.radians(lat)
    magic = 1 - _ECCENTRICITY_2 * math.sin(phi) ** 2
    d_lat *= 180.0 / (
        (_SEMI_MAJOR_M * (1 - _ECCENTRICITY_2)) / (magic * math.sqrt(magic)) * math.pi
    )
    d_lon *= 180.0 / (_SEMI_MAJOR_M / math.sqrt(magic) * math.cos(phi) * math.pi)
    return lon + d_lon, lat + d_lat


def _waves(value: float, parts: tuple[tuple[float, float], ...]) -> float:
    return sum(size * math.sin(value * rate * math.pi) for size, rate in parts) * 2.0 / 3.0


def distance_m(a: LonLat, b: LonLat) -> float:
    """Great-circle distance in metres (haversine)."""
    (lon1, lat1), (lon2, lat2) = (
        (math.radians(a[0]), math.radians(a[1])),
        (math.radians(b[0]), math.radians(b[1])),
    )
    h = (
        math.sin((lat2 - lat1) / 2) ** 2
        + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    )
    return 2 * _EARTH_RADIUS_M * math.asin(math.sqrt(h))


def to_bd09(lon: float, lat: float) -> LonLat:
    """CGCS2000/WGS-84 degrees to BD-09 degrees, the frame of Baidu's maps: GCJ-02, shifted once
    more."""
    x, y = to_gcj02(lon, lat)
    scale = math.pi * 3000.0 / 180.0
    radius = math.hypot(x, y) + 0.00002 * math.sin(y * scale)
    angle = math.atan2(y, x) + 0.000003 * math.cos(x * scale)
    return radius * math.cos(angle) + 0.0065, radius * math.sin(angle) + 0.006


def to_web_mercator(lon: float, lat: float) -> LonLat:
    """Degrees to metres of EPSG:3857, as older city systems keep them."""
    lat = min(max(lat, -_MERCATOR_LAT), _MERCATOR_LAT)
    x = math.radians(lon) * _MERCATOR_RADIUS_M
    y = math.log(math.tan(math.pi / 4 + math.radians(lat) / 2)) * _MERCATOR_RADIUS_M
    return x, y


def in_datum(lon: float, lat: float, datum: str) -> LonLat:
    """CGCS2000 degrees in the frame that a city's system wants.

    Args:
        lon, lat: degrees.
        datum: ``cgcs2000``, ``gcj02``, ``bd09`` (degrees) or ``web_mercator`` (metres).

    Raises:
        KeyError: another frame.
    """
    return {
        "cgcs2000": lambda: (lon, lat),
        "gcj02": lambda: to_gcj02(lon, lat),
        "bd09": lambda: to_bd09(lon, lat),
        "web_mercator": lambda: to_web_mercator(lon, lat),
    }[datum]()
