"""The shared nouns: table declarations, views, addresses, time and units. Imports nothing else of Weft but ``errors``."""
