"""How a lower room reaches an upper one, and how rooms that do not know each other meet: protocols and their data."""
