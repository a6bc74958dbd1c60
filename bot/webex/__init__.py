"""The Webex client: HTTP, tokens, chat, reports, files and people. Foreign errors are translated here."""
