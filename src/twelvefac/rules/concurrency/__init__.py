"""Rules of factor VIII, concurrency."""
