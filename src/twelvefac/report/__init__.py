"""One module per output format: a result in, a text out, and nothing else."""
