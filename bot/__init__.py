"""The Webex report bot: answers `report <id>` with a card, and with the file when the report is done."""

__version__ = "0.2.0"
