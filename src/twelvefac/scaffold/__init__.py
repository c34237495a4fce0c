"""From answers to a repository: answers, components, plan, render, post-checks, one rename."""
