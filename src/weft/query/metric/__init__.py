"""Metrics: values that come one per series and time, so that what is measured takes two steps.

A *series* is one (exporter, host, metric, component, ifIndex, labels). Within a bucket (or the whole window) each
series is summed up by itself: its rate, its average, its highest value. Groups are then made *across* series: rates add
up, averages are averaged. ``measures`` says how, ``statements`` writes the SQL, ``views`` shapes the answer.
"""
