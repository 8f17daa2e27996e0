"""Detectors of an AI cluster's fabric: queues, pauses, marks, loss, balance, and hosts that hold a job up."""
