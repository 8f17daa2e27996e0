"""The shared nouns: table declarations, views, addresses, units. Imports nothing else of Weft but ``errors``."""
