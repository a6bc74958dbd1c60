"""For the people who run the bot: checks and alerts, repairs, catching up after a downtime, and maintenance."""
