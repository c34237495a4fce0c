"""Rules of factor VI, processes."""
