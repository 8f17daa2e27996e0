"""From rows of the store to a view: one module per kind of view, each a function of an ``Ask`` and a ``Runner``."""
