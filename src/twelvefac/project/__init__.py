"""What a repository says, as facts with exact places: one reader per kind of file; judges nothing."""
