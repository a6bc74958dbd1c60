"""The commands, a file for each. To add one, copy the nearest file and name it in ``MODULES``."""

from __future__ import annotations

from importlib import import_module

from bot.chat.registry import registry

__all__ = ["registry"]

MODULES = ("report", "reports", "refresh", "cancel", "why", "audit", "help")
"""Help lists the commands in this order."""

for module in MODULES:
    import_module(f"{__name__}.{module}")  # registers its words
