"""The HTTP API for other systems, under ``/api/v1``."""
