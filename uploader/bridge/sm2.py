"""The client secret as V22 wants it: SM2, C1‖C3‖C2, in hexadecimal.

``cryptography`` has no SM2 encryption. ``gmssl`` (BSD, last release 2023) draws the ephemeral
number from Python's ``random``, which can be foreseen; ``gmalg`` (MIT, kept up, nothing beneath
it) draws it from ``secrets``. A city with a cipher machine names its own function instead.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from edge.errors import Code, ConfigError

Encrypt = Callable[[str, str], str]
"""``(secret, public key in hexadecimal) -> what is sent``."""


def sm2(secret: str, public_key: str) -> str:
    """Encrypt with SM2.

    Raises:
        ConfigError: the extra ``bridge`` is not installed (RUN-002).
        ValueError: the key is no point of the curve.
    """
    gmalg = needed("gmalg")
    point = bytes.fromhex(public_key)
    if len(point) == 64:
        point = b"\x04" + point  # some systems leave the mark of an uncompressed point out
    try:
        if not gmalg.SM2().verify_pk(point):
            raise ValueError("not a point of the curve")
        cipher: bytes = gmalg.SM2(pk=point).encrypt(secret.encode())
    except gmalg.errors.GMError as error:
        raise ValueError(str(error)) from error
    return cipher.hex()


def encryption(name: str) -> Encrypt:
    """The function that a setting names: ``sm2``, ``plain`` or ``module:function``.

    Raises:
        ConfigError: there is no such function (BRG-001).
    """
    if name == "sm2":
        return sm2
    if name == "plain":
        return lambda secret, _key: secret
    module, _, function = name.partition(":")
    try:
        found: Encrypt = getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            Code.BRG_MAPPING,
            "v22.secret_encryption",
            f"{name}: {error}",
            "Use sm2, plain, or module:function of what is installed here",
        ) from error
    return found


def needed(name: str) -> Any:
    """A package of the extra ``bridge``.

    Raises:
        ConfigError: it is not installed (RUN-002).
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise ConfigError(
            Code.RUN_EXTRA,
            "gridpatrol bridge",
            f"the package {name} is not installed",
            "Install gridpatrol[bridge]",
        ) from error
