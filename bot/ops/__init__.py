"""What is looked at for the people who run the bot: by ``doctor``, and by the running bot for their space."""
