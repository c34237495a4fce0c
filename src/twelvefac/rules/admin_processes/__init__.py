"""Rules of factor XII, admin processes."""
