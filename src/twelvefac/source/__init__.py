"""Text, places in it and changes to it; knows nothing of rules."""
