"""Reports: what they are, where they are found, how they are watched and delivered."""
