"""What is normal for a series, how far it is from that, and the detectors that need no more than this.

``model`` learns a season, a level and how series scatter around them, one sample at a time, for many series at once;
``tail`` says how unlikely a deviation is; ``detector`` makes findings of it. Memory is bounded by the number of series.
"""
