"""The shelf that stands towards Webex: HTTP, tokens, chat, reports, files, and who is who. Foreign errors end here."""
