"""Detectors of the telemetry itself: who fell silent, whose clock is off."""
