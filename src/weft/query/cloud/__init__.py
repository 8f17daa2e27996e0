"""Questions about cloud flow logs."""
