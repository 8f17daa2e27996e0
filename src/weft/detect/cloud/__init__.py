"""Detectors on the flow logs of clouds: what is refused, and what suddenly moves far more."""
