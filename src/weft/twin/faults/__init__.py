"""What goes wrong at Acme, and what only looks like it: the kinds, where each can happen, and the truth of each."""
