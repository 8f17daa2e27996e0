"""BGP as it is told: BMP sessions, MRT files, BGP sessions, and what RPKI says of the routes."""
