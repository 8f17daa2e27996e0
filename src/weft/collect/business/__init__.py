"""Business series: what the network is for. Pushed, read from CSV files, asked of Prometheus or a database.

Comes in: values of keyed series, from those four. Goes out: rows of ``business`` to the intake. A value that came
before is not taken again; one that is told anew for the same moment replaces it (the later one counts when asked).
"""

from weft.collect.business.config import BusinessConfig
from weft.collect.business.series import BusinessSeries
from weft.collect.business.values import Recent, Value, ValuesTaken, rows_of, value_of

__all__ = ["BusinessConfig", "BusinessSeries", "Recent", "Value", "ValuesTaken", "rows_of", "value_of"]
