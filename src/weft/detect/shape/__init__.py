"""Whole-window analysis: what is odd in a finished stretch of a series, with all of it in view.

For history and for ranking what to look at first, not for alarms: those come from the streaming models. Comes in: one
series on a regular grid. Goes out: a score per point, its period, its changes. Pure functions.
"""
