"""Updates: the newer template merged into a repository by git itself, with nothing lost on the way."""
