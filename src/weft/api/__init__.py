"""REST and live updates over HTTP. No logic of its own: it authenticates, asks ``query`` and ``collect``, and answers."""
