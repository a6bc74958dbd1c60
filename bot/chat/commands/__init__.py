"""The commands, a file for each. To add one, copy the nearest file: all are imported here, and register themselves."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from bot.chat.registry import registry

__all__ = ["registry"]

for module in iter_modules(__path__):
    import_module(f"{__name__}.{module.name}")
