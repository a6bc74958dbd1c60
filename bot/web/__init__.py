"""HTTP: the webhook, and the pages for the people who run the bot."""
