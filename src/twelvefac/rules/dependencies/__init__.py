"""Rules of factor II, dependencies."""
