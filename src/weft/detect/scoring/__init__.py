"""How good detection is: scores of series and of events against what is known to be true. Pure functions.

No point adjustment anywhere: it makes random scores look excellent (Kim et al., AAAI 2022).
"""
