"""The filter language: text in, a typed tree out; and back, completed, checked.

``parse(text, dataset)`` → ``Node | None`` (None = everything), ``show(node, dataset)`` → canonical text,
``complete(text, cursor, …)`` → what could stand at the cursor. Must never touch the store (values to complete with are
handed in) and never build SQL. The grammar is documented for people in ``docs/filter.md``.
"""

from weft.query.filter.parse import FilterError, parse
from weft.query.filter.show import show
from weft.query.filter.tree import And, Columns, Compare, Node, Not, Or

__all__ = ["And", "Columns", "Compare", "FilterError", "Node", "Not", "Or", "parse", "show"]
