"""Rules of factor I, codebase."""
