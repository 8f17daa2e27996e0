"""From a checked question to SQL.

``Ask`` (what is asked, names resolved, grid laid) comes in; ``Statement``s (SQL and bound parameters) and the
``Source`` that can answer exactly go out. Must never run a statement. Where things are stored is known to
``weft.store`` alone.
"""
