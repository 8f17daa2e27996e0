"""Policies: what people want to be told of, in their own words: thresholds on anything that can be asked, combined.

Comes in: policies, and frames of what they ask. Goes out: findings; for the editor, how often one would have fired.
Must never guess: where a value is missing, a condition is neither true nor false.
"""
