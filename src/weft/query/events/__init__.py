"""Events as a dataset: how often what went wrong, where, for how long."""
