"""The audit's machinery: what a rule is, how rules run, what a report holds. Knows no rule by name."""
