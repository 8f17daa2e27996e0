"""Business series as a dataset: what the network is for, next to what it does."""
