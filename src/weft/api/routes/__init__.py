"""One file per noun. Each checks its input, asks the package that knows, and shapes the answer; nothing more."""
